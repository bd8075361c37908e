"""The one error that users see: a sentence."""


class UserError(Exception):
    """A mistake in what was asked for.

    `str(error)` is the whole message: a sentence that names the file, the value and the remedy. The command line
    prints it and exits with status 2; anything else that escapes is a defect of ours.
    """
