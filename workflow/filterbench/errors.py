"""The error that a user can mend: shown as one line, without a traceback."""


class InputError(Exception):
    """Something that a user gave is wrong.

    The message is one line that names the file, the key or option in it, and what is allowed.
    """
