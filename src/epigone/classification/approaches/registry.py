"""The approaches by name, in the order of the table: cheap ones first."""

from epigone.classification.approaches.base import Approach
from epigone.classification.approaches.majority import Majority
from epigone.classification.approaches.nb_svm import NbSvm
from epigone.classification.approaches.states import States
from epigone.classification.approaches.tfidf import Tfidf
from epigone.classification.approaches.ulmfit import Ulmfit
from epigone.registry import Registry

APPROACHES: Registry[Approach] = Registry(
    "row",
    (Majority(), Tfidf(), NbSvm(), States(), Ulmfit("forward"), Ulmfit("backward")),
    lambda approach: approach.title,
)
