"""Cards: what is known about a paper without any code, read from the `paper.toml` in its room.

A card is data, so every key is checked by hand here: each problem names the file, the key, what came and
what is expected, and all problems of a file are reported together.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WINGS: Mapping[str, str] = {
    "generative": "models that make data",
    "nn": "layers and architectures",
    "graphs": "learning on graphs",
    "representation": "features without labels",
    "lifelong": "learning that goes on",
    "language": "text and tokens",
    "statistics": "inference, privacy and tuning",
}
"""The seven wings of the house, each with what it holds."""


class CardError(ValueError):
    """A `paper.toml` that cannot be read; `problems` has one line for each thing that is wrong with it."""

    exit_code = 4

    def __init__(self, path: Path, problems: list[str]) -> None:
        self.path = path
        self.problems = tuple(problems)
        if len(problems) == 1:
            super().__init__(f"{path}: {problems[0]}")
        else:
            super().__init__(f"{path}: {len(problems)} problems\n" + "\n".join(f"  {line}" for line in problems))

    def __reduce__(self) -> tuple[type["CardError"], tuple[Path, list[str]]]:
        return type(self), (self.path, list(self.problems))


@dataclass(frozen=True, slots=True)
class Related:
    """A neighbouring paper, and in one clause how it relates."""

    title: str
    link: str
    how: str


@dataclass(frozen=True, slots=True)
class Detail:
    """Something that decides whether the paper reproduces, and its place in the paper or the official code."""

    text: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How the method is used and what comes of it, as Markdown; equations stand between dollar signs."""

    one_call: str
    own_loop: str
    settings: str
    cost: str
    mixing: str

    def sections(self) -> Iterator[tuple[str, str]]:
        """Yield each part with its heading, in the order of the page."""
        for name, heading in USE_HEADINGS.items():
            yield heading, getattr(self, name)


USE_HEADINGS: Mapping[str, str] = {
    "one_call": "Use it in one call",
    "own_loop": "In your own loop",
    "settings": "Settings and what to expect",
    "cost": "What it costs",
    "mixing": "What it does not mix with",
}
"""The parts of a card's table `[use]`, each with the heading that it stands under on every page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The facts of a paper and our own words about it.

    Texts have their line breaks folded: a blank line in the file is a new paragraph (`"\\n\\n"`), nothing else is.
    Equations in them are LaTeX between dollar signs, which `paperwright.equations` reads.
    """

    title: str
    authors: tuple[str, ...]
    venue: str
    year: int
    wing: str
    tags: tuple[str, ...]
    tldr: str
    why: str
    idea: str
    uses: tuple[str, ...]
    links: Mapping[str, str] = field(hash=False)
    award: str | None = None
    extra: str | None = None
    data: tuple[str, ...] = ()
    demo: str | None = None
    commands: Mapping[str, str] = field(default_factory=dict, hash=False)
    related: tuple[Related, ...] = ()
    details: tuple[Detail, ...] = ()
    use: Use | None = None

    @classmethod
    def read(cls, path: str | Path) -> "Card":
        """The card in a `paper.toml`.

        Raises:
            CardError: the file cannot be read, is not TOML, or has missing, unknown or ill-typed keys.
        """
        path = Path(path)
        try:
            table = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
        except OSError as error:
            raise CardError(path, [f"cannot be read: {error.strerror or error}"]) from None
        except UnicodeDecodeError as error:
            raise CardError(path, [f"is not UTF-8 text (byte {error.start})"]) from None
        except tomllib.TOMLDecodeError as error:
            raise CardError(path, [f"is not valid TOML: {error}"]) from None
        values, problems = _check(table, _CARD)
        if problems:
            raise CardError(path, problems)
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """The card as JSON values, in the order of the fields."""
        import dataclasses

        return dataclasses.asdict(self)


# --- What each key must be --------------------------------------------------------------------------------------------
# A reader takes the TOML value and gives the card's value, or raises ValueError with what is expected.

_Reader = Callable[[Any], Any]


class _Invalid(Exception):
    """Problems below a key, as (place below the key, what is wrong)."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        self.problems = problems


def _kind(value: object) -> str:
    names = {
        bool: "true/false",
        int: "a whole number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "a table",
    }
    return names.get(type(value), type(value).__name__)


def _expected(what: str, value: object) -> _Invalid:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return _Invalid(("", f"expected {what}, got {shown} ({_kind(value)})"))


def _text(what: str = "a text") -> _Reader:
    def read(value: Any) -> str:
        text = _printable(what, value)
        return "\n\n".join(" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text.strip()))

    return read


def _markdown(value: Any) -> str:
    """Markdown, whose lines stay as they are: code stands in it."""
    return "\n".join(line.rstrip() for line in _printable("Markdown", value).strip().splitlines())


def _printable(what: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _expected(f"{what} that is not empty" if value == "" else what, value)
    if not all(character.isprintable() or character in "\n\r\t" for character in value):
        raise _expected("printable characters only (no escape sequences)", value)
    return value


def _matching(pattern: str, what: str) -> _Reader:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise _expected(what, value)
        return value

    return read


def _one_of(choices: Mapping[str, str]) -> _Reader:
    def read(value: Any) -> str:
        if value in list(choices):
            return str(value)
        near = near_miss(value, choices) if isinstance(value, str) else None
        raise _expected(f"one of {', '.join(choices)}" + (f" (did you mean {near!r}?)" if near else ""), value)

    return read


def _year(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1900 <= value <= 2100:
        raise _expected("a year between 1900 and 2100", value)
    return value


def _list(item: _Reader, what: str, *, empty: bool = False) -> _Reader:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or not (value or empty):
            raise _expected(what, value)
        read_items, problems = [], []
        for number, entry in enumerate(value):
            try:
                read_items.append(item(entry))
            except _Invalid as invalid:
                problems += [(f"[{number}]{place}", reason) for place, reason in invalid.problems]
        if problems:
            raise _Invalid(*problems)
        if len(set(read_items)) < len(read_items):
            raise _expected(f"{what}, none of them twice", value)
        return tuple(read_items)

    return read


def _table(keys: Mapping[str, tuple[_Reader, bool]], make: Callable[..., Any], what: str) -> _Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _expected(what, value)
        values, problems = _check(value, keys)
        if problems:
            raise _Invalid(*((f".{place}", reason) for place, _, reason in (line.partition(": ") for line in problems)))
        return make(**values)

    return read


def _links(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _expected("a table [links] with at least `paper`", value)
    links, problems = {}, []
    for name, link in value.items():
        try:
            links[name] = _LINK(link)
        except _Invalid as invalid:
            problems += [(f".{name}", reason) for _, reason in invalid.problems]
    if "paper" not in value:
        problems.append((".paper", "missing; expected a link to the paper"))
    if problems:
        raise _Invalid(*problems)
    return links


def _commands(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _expected("a table [commands] with a line for each verb", value)
    lines, problems = {}, []
    for verb, line in value.items():
        try:
            lines[_VERB(verb)] = " ".join(_text("one line")(line).split())
        except _Invalid as invalid:
            problems += [(f".{verb}", reason) for _, reason in invalid.problems]
    if problems:
        raise _Invalid(*problems)
    return lines


def _tag(value: Any) -> str:
    """A tag in the one spelling that `--tag` looks for: "Differential privacy" is differential-privacy."""
    tag = "-".join(value.lower().split()) if isinstance(value, str) else ""
    if not re.fullmatch(r"\w+([-+./']\w+)*", tag):
        raise _expected("a tag of words and hyphens, such as 'over-squashing'", value)
    return tag


_LINK = _matching(r"https?://[^\s<>\"']+", "a link that starts with https://")
_DATA = _matching(r"[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)*", "the name of a data set, such as 'webkb/cornell'")
_EXTRA = _matching(r"[a-z0-9]+(-[a-z0-9]+)*", "the name of a pip extra, such as 'graphs'")
_VERB = _matching(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "a command's name of lower-case words and hyphens, such as 'plan'")
_CLAIM = _matching(r"[A-Za-z_]\w*(/[\w.-]+)*", "the name of a claim in claims.py")

_RELATED = {"title": (_text(), True), "link": (_LINK, True), "how": (_text("one clause"), True)}
_USE = dict.fromkeys(USE_HEADINGS, (_markdown, True))
_DETAIL = {"text": (_text(), True), "where": (_text("a place in the paper or the code"), True)}

# key: (reader, required)
_CARD: Mapping[str, tuple[_Reader, bool]] = {
    "title": (_text(), True),
    "authors": (_list(_text("a name"), "a list of names"), True),
    "venue": (_text("a text such as 'ICLR 2022'"), True),
    "year": (_year, True),
    "award": (_text(), False),
    "wing": (_one_of(WINGS), True),
    "extra": (_EXTRA, False),
    "tags": (_list(_tag, "a list of tags"), True),
    "tldr": (_text("one sentence"), True),
    "why": (_text("a paragraph"), True),
    "idea": (_text("a paragraph"), True),
    "uses": (_list(_text(), "a list of texts"), True),
    "data": (_list(_DATA, "a list of data sets' names", empty=True), False),
    "demo": (_CLAIM, False),
    "links": (_links, True),
    "commands": (_commands, False),
    "related": (_list(_table(_RELATED, Related, "a table [[related]]"), "a list of tables [[related]]"), False),
    "use": (_table(_USE, Use, f"a table [use] with {', '.join(USE_HEADINGS)}"), False),
    "details": (_list(_table(_DETAIL, Detail, "a table [[details]]"), "a list of tables [[details]]"), False),
}


def _check(table: Mapping[str, Any], keys: Mapping[str, tuple[_Reader, bool]]) -> tuple[dict[str, Any], list[str]]:
    """The values that could be read, and one line for each problem."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    guessed: set[str] = set()
    for key in table:
        if key not in keys:
            near = near_miss(key, [known for known in keys if known not in table])
            guessed |= {near} if near else set()
            hint = f"did you mean {near!r}?" if near else f"expected {', '.join(keys)}"
            problems.append(f"{key}: unknown key; {hint}")
    for key, (read, required) in keys.items():
        if key in table:
            try:
                values[key] = read(table[key])
            except _Invalid as invalid:
                problems += [f"{key}{place}: {reason}" for place, reason in invalid.problems]
        elif required and key not in guessed:
            problems.append(f"{key}: missing")
    return values, problems


def near_miss(word: str, known: Mapping[str, Any] | list[str]) -> str | None:
    """The known word that `word` was most likely meant to be, or None."""
    import difflib

    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return close[0] if close else None
