"""The approaches by name, in the order of the table: cheap ones first."""

from epigone.classification.approaches.base import Approach
from epigone.classification.approaches.majority import Majority
from epigone.registry import Registry

APPROACHES: Registry[Approach] = Registry("row", (Majority(),), lambda approach: approach.title)
