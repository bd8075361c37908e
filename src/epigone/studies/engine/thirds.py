"""A small target in thirds: its split, and the documents that it needs."""

from epigone.errors import UserError
from epigone.evaluation.intervals import MIN_DOCUMENTS
from epigone.studies.engine.jobs import SPLITS, Text, open_text
from epigone.text.document import counted, some
from epigone.text.splitting import SplitOptions

THIRDS = SplitOptions((1 / 3, 1 / 3, 1 / 3))


def check_documents(target: Text) -> None:
    """Refuse a target with too few documents for the claims, before hours are spent on it.

    Raises:
        UserError: a split has fewer documents than can be resampled.
    """
    for split in SPLITS:
        number = len(open_text(target).splits[split])
        if number < MIN_DOCUMENTS:
            raise UserError(
                f"{some(list(target.paths))}: its {split} split has {counted(number, 'document')}, and the study's "
                f"claims need at least {MIN_DOCUMENTS}. Give a target of more documents, or divide the text into "
                "documents with --separator, --blank-lines or --column."
            )
