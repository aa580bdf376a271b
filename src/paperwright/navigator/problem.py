"""A problem of a library: where, what, and what mends it."""

from dataclasses import dataclass

REBUILD = "rebuild the library (`paperwright rebuild`)"
MENDED = "it was made anew on opening; nothing is left to do"


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with a library.

    Attributes:
        where: The file, or the part of the library.
        what: What is wrong with it.
        remedy: What mends it.
    """

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.remedy}"
