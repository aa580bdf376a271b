"""What can go wrong in the navigator, each with the exit code that the command line gives it."""


class NavigatorError(ValueError):
    """Something came that the navigator cannot use; the message says what came, what is expected and the way out."""

    exit_code = 2


class LibraryError(NavigatorError):
    """A library cannot be opened, made or repaired."""

    exit_code = 4


class EncoderMismatch(NavigatorError):
    """The library's vectors were made by another encoder; vectors of two encoders are never mixed."""

    exit_code = 4


class UnknownPaperId(NavigatorError, LookupError):
    """No paper of the library has this id."""


class SourceError(NavigatorError):
    """A source of records cannot go on; what came before is kept.

    Attributes:
        cursor: Where to go on from, as the source itself counts; None before the first record.
    """

    exit_code = 4

    def __init__(self, message: str, cursor: str | None = None) -> None:
        super().__init__(message)
        self.cursor = cursor
