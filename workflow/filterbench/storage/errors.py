"""The error that a user can fix: shown as one line, without a traceback."""


class InputError(Exception):
    """A user's input is wrong.

    The message names the file, the key or option in it, and what is allowed. Its line breaks become spaces.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


def first_line(reason: BaseException) -> str:
    """The first line of an error's text, which may be empty."""
    return str(reason).partition("\n")[0]
