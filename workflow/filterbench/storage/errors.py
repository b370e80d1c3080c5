"""The error that a user can mend: shown as one line, without a traceback."""


class InputError(Exception):
    """Something that a user gave is wrong.

    The message names the file, the key or option in it, and what is allowed; line breaks in it
    become spaces.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
