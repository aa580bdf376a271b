"""`paperwright duplicates`: what is in a library twice, and its joining."""

from typing import TYPE_CHECKING, Annotated

import typer

from .errors import NavigatorError
from .options import AsJson, LibraryPath

if TYPE_CHECKING:
    from .duplicate_groups import Duplicates
    from .library import Library


def duplicates(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID...]", help="With --join: papers that are one; the first id stays."),
    ] = None,
    join: Annotated[
        bool, typer.Option("--join", help="Join the papers named, or else all that surely are one.")
    ] = False,
    as_json: AsJson = False,
    library: LibraryPath = None,
) -> None:
    """List papers that are in the library twice, and join them when asked."""
    from .opened import existing, reading

    if ids and not join:
        raise NavigatorError(f"the papers {', '.join(ids)!r:.80} are named without --join. Add it to make one of them")
    if join:
        with existing(library) as opened:
            _join(opened, ids or [], as_json)
    else:
        with reading(library) as opened:
            _list(opened, opened.duplicates(), as_json)


def _join(library: "Library", ids: list[str], as_json: bool) -> None:
    from .console import note, say_json
    from .duplicate_groups import join

    groups = [tuple(ids)] if ids else [group.ids for group in library.duplicates() if group.sure]
    join(library, groups)
    if as_json:
        say_json([{"id": first, "joined": rest} for first, *rest in groups])
    else:
        for first, *rest in groups:
            note(f"{first} is now also {', '.join(rest)}")
        note(f"{len(groups):,} papers were joined; {len(library):,} papers in {library.directory}")


def _list(library: "Library", groups: "list[Duplicates]", as_json: bool) -> None:
    from .console import note, say_json, say_table, venue

    if as_json:
        say_json([{"ids": group.ids, "why": group.why, "sure": group.sure} for group in groups])
        return
    rows = []
    for number, group in enumerate(groups, start=1):
        for identifier, paper in library.many(group.ids).items():
            rows.append((number, identifier, venue(paper), paper.title, group.why))
    say_table(rows)
    sure = sum(group.sure for group in groups)
    if not groups:
        note("no paper is there twice")
    elif sure:
        note(
            f"`paperwright duplicates --join` joins the {sure:,} that are sure; with ids, papers that you know are one"
        )
    else:
        note("none is sure; `paperwright duplicates --join ID ID` joins papers that you know are one")
