"""The two ways in which a data set cannot be used."""


class DataUnavailable(LookupError):
    """The set is not at hand and cannot be had; the message says what to do about it."""


class DataCorrupted(ValueError):
    """A file is truncated, altered or not what it says; the message names the file and what was expected."""
