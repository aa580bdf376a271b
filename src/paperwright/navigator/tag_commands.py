"""`paperwright tag`: reading lists, and what belongs on them."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import NavigatorError
from .options import AsJson, Export, Form, LibraryPath, Many

if TYPE_CHECKING:
    from .library import Library

Name = Annotated[str, typer.Argument(metavar="TAG", help="The tag.", show_default=False)]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Papers' ids.", show_default=False)]
IdsOrAll = Annotated[
    list[str] | None, typer.Argument(metavar="[ID...]", help="Papers' ids; none: all of them.", show_default=False)
]


def add(name: Name, ids: Ids, library: LibraryPath = None) -> None:
    """Put papers under a tag."""
    from .console import say
    from .opened import writing

    with writing(library) as opened:
        opened.tag(name, ids)
        say(f"{len(opened.tagged(name)):,} under {name}")


def remove(name: Name, ids: IdsOrAll = None, library: LibraryPath = None) -> None:
    """Take papers from under a tag; without ids, all of them."""
    from .console import say
    from .opened import writing

    with writing(library) as opened:
        under = _under(opened, name)
        if missing := [one for one in ids or () if one not in under]:
            raise NavigatorError(f"the paper {missing[0]!r:.100} is not under {name}")
        opened.untag(name, ids or None)
        say(f"{len(opened.tagged(name)):,} under {name}")


def list_(as_json: AsJson = False, library: LibraryPath = None) -> None:
    """List the tags, each with how many papers it has."""
    from .console import note, say_json, say_table
    from .opened import reading

    with reading(library) as opened:
        tags = opened.tags()
    if as_json:
        say_json(tags)
    else:
        say_table([(count, name) for name, count in tags.items()])
        if not tags and sys.stdout.isatty():
            note("no tags yet; `paperwright tag add to-read ID` makes one")


def show(
    name: Name, export: Export = None, form: Form = None, as_json: AsJson = False, library: LibraryPath = None
) -> None:
    """Show the papers under a tag."""
    from .console import note, say_json, say_table, venue
    from .opened import reading

    with reading(library) as opened:
        papers = list(opened.many(_under(opened, name)).values())
        if export is not None:
            opened.export(papers, export, form)
            note(f"{len(papers):,} papers written to {export}")
        elif as_json:
            say_json([paper.as_dict() for paper in papers])
        else:
            say_table([(paper.id, venue(paper), paper.title) for paper in papers])


def recommend(
    name: Name,
    k: Many = 20,
    seen: Annotated[bool, typer.Option("--seen", help="Also papers that were marked as seen.")] = False,
    export: Export = None,
    form: Form = None,
    as_json: AsJson = False,
    library: LibraryPath = None,
) -> None:
    """Find papers that belong under a tag, learned from those that are there."""
    from .console import show_hits
    from .opened import reading

    with reading(library) as opened:
        show_hits(opened, opened.recommend(name, k=k, exclude_seen=not seen), export, form, as_json)


def _under(library: "Library", name: str) -> list[str]:
    """The ids under a tag; a tag without any is an error that lists those there are."""
    if ids := library.tagged(name):
        return ids
    raise NavigatorError(f"no paper is under {name!r:.80}; tags: {', '.join(library.tags()) or 'none yet'}")
