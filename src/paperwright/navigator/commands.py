"""The navigator's commands: find, similar, sync, map, stats, digest, tag, duplicates, doctor, rebuild.

Exit codes as everywhere in the house: 0 done, 1 `doctor` found something wrong, 2 the command was misused, 4 it could
not run, 130 stopped by the user. `--library DIR` names the library; to read without one there is the embedded one.
"""

import functools
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

import typer

from . import options, tag_commands
from .duplicate_commands import duplicates
from .errors import LibraryError, NavigatorError, SourceError
from .options import AsJson, Export, Form, LibraryPath, Many

P = ParamSpec("P")
T = TypeVar("T")
FORMS = ("text", "markdown", "html", "atom")


def attach(app: typer.Typer) -> None:
    """Adds the navigator's commands to the command line."""
    tags = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        no_args_is_help=True,
        help="Keep reading lists, and find what belongs on them.",
    )
    _add(tags, tag_commands.add, tag_commands.remove, tag_commands.list_, tag_commands.show, tag_commands.recommend)
    _add(app, find, similar, sync, map_, stats, digest, duplicates, doctor, rebuild)
    app.add_typer(tags, name="tag")


def _add(app: typer.Typer, *commands: Callable[..., int | None]) -> None:
    for command in commands:
        app.command(command.__name__.rstrip("_"))(in_one_line(command))


def in_one_line(command: Callable[P, T]) -> Callable[P, T]:
    """The command, with what this machine lacks (a file, an installed library) told in one line."""

    @functools.wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except BrokenPipeError:
            raise
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise LibraryError(f"{where}{error.strerror or error}") from error
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] == "paperwright":
                raise
            raise LibraryError(f"this needs {error.name!r}: pip install 'paperwright[navigator]'") from error

    return told


def find(
    query: Annotated[
        list[str] | None,
        typer.Argument(
            help='Words, and marks such as "a phrase", -word, title:, author:, year:2020..2022, decision:oral|poster, '
            "has:code, tag:NAME. Nothing: the newest.",
            show_default=False,
        ),
    ] = None,
    k: Many = 10,
    mode: Annotated[str, typer.Option(help="auto, lexical, dense, convex or rrf.")] = "auto",
    venue: options.Venue = None,
    year: options.Year = None,
    decision: options.Decision = None,
    author: options.Author = None,
    keyword: options.Keyword = None,
    category: options.Category = None,
    source: options.Source = None,
    code: options.Code = None,
    accepted: options.Accepted = None,
    rating: options.Rating = None,
    citations: options.Citations = None,
    published: options.Published = None,
    tag: options.Tag = None,
    without_tag: options.WithoutTag = None,
    cursor: Annotated[
        str | None, typer.Option(help="Go on behind a page: its next_cursor.", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every paper that is found, not only the first k.")] = False,
    export: Export = None,
    form: Form = None,
    as_json: AsJson = False,
    library: LibraryPath = None,
) -> None:
    """Find papers by words, meaning and filters, and say why each was found."""
    from .console import note, room_hits, say, say_hits, say_json, write_hits
    from .opened import reading

    words = " ".join(
        [
            *(query or []),
            *options.marks("author", author),
            *options.marks("tag", tag),
            *options.marks("-tag", without_tag),
        ]
    )
    where = options.filter_of(
        venue=venue,
        year=year,
        decision=decision,
        keyword=keyword,
        category=category,
        source=source,
        has_code=code,
        accepted=accepted,
        rating=rating,
        citations=citations,
        published=published,
    )
    with reading(library) as opened:
        page = opened.search(words, k=k, mode=mode, where=where, cursor=cursor)
        hits, behind = list(page), page.next_cursor
        while everything and behind is not None:
            further = opened.search(words, k=200, mode=mode, where=where, cursor=behind)
            hits += further
            behind = further.next_cursor
        for remark in page.notes:
            note(remark)
        if export is not None:
            write_hits(opened, hits, export, form)
        elif as_json:
            say_json({**page.as_dict(), "next_cursor": behind, "hits": room_hits(hits)})
        else:
            say_hits(hits)
            if not hits:
                note("no paper was found" + ("; try fewer filters" if where else ""))
            elif sys.stdout.isatty():
                least = "" if page.complete else "at least "
                say(f"\n{len(hits):,} of {least}{page.total:,}, in {page.took_ms:.0f} ms")


def similar(
    paper: Annotated[str, typer.Argument(metavar="ID", help="The paper's id, as `find` shows it.", show_default=False)],
    k: Many = 10,
    export: Export = None,
    form: Form = None,
    as_json: AsJson = False,
    library: LibraryPath = None,
) -> None:
    """Find papers that are like one."""
    from .console import show_hits
    from .opened import reading

    with reading(library) as opened:
        show_hits(opened, opened.similar(paper, k=k), export, form, as_json)


def sync(
    source: Annotated[
        str,
        typer.Argument(
            help="openreview:ICLR.cc/2022/Conference, arxiv:cs.LG, arxiv-oai:cs, openalex:WORDS, "
            "semanticscholar:WORDS, cards, or a file: .csv, .bib, .json.",
            show_default=False,
        ),
    ],
    index: Annotated[
        str | None,
        typer.Option(help="For a new library: memory (the default), lance or postgresql://... .", show_default=False),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="For a new library: sentence-transformers:FOLDER or model2vec:FOLDER; else the papers' own words.",
            show_default=False,
        ),
    ] = None,
    most: Annotated[int | None, typer.Option("--max", min=1, help="Read at most so many records.")] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            help="Where a table's head does not say it: FIELD=COLUMN, such as title=Heading; repeatable.",
            show_default=False,
        ),
    ] = None,
    contact: Annotated[
        str | None, typer.Option(help="Your address, for servers that ask whom to write to.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    library: LibraryPath = None,
) -> None:
    """Bring a source's papers into the library; stopped or killed, it goes on where it was."""
    from .console import Watch, note, say, say_json
    from .opened import own
    from .sources import Reach, open_source
    from .sources.opening import columns_asked
    from .sync import sync as bring_in

    reach: Reach = {"tell": note}
    if contact is not None:
        reach["contact"] = contact
    wanted = open_source(source, max_items=most, columns=columns_asked(columns or ()), **reach)
    with own(library, index, encoder) as opened:
        before = len(opened)
        reached = opened.records.cursor(wanted.name)
        if reached is not None:
            note(f"{wanted.name} was not read to its end; going on from {reached:.60}")
        try:
            with Watch() as watch:
                report = bring_in(opened, wanted, progress=watch)
        except (KeyboardInterrupt, SourceError) as error:
            stopped = isinstance(error, KeyboardInterrupt)
            reason = "stopped" if stopped else str(error)
            note(f"{reason}; {len(opened) - before:,} new papers are in, and the same command goes on from there")
            raise typer.Exit(130 if stopped else 4) from None
        if as_json:
            say_json(
                {
                    "source": wanted.name,
                    "library": str(opened.directory),
                    "papers": len(opened),
                    "new": report.new,
                    "changed": report.changed,
                    "same": report.same,
                    "removed": report.removed,
                    "rejected": report.rejected,
                    "notes": report.notes,
                }
            )
            return
        for reason in report.rejected[:10]:
            note(f"left out: {reason}")
        if len(report.rejected) > 10:
            note(f"left out {len(report.rejected) - 10:,} more; --json names them all")
        for remark in report.notes:
            note(remark)
        said_already = replace(report, notes=[])
        say(f"{wanted.name}: {said_already}\n{len(opened):,} papers in {opened.directory}")


def map_(
    html: Annotated[Path, typer.Option("--html", help="Where the page goes.")] = Path("paperwright-map.html"),
    as_json: AsJson = False,
    library: LibraryPath = None,
) -> None:
    """Draw the papers as a map on which neighbours are alike, in one HTML file, and name its topics."""
    from .console import note, say_json, say_table
    from .opened import reading

    with reading(library) as opened:
        if sys.stderr.isatty():
            note("drawing the map: half a minute for some thousand papers")
        drawn = opened.map()
        drawn.write_html(html)
        topics = [(len(topic.ids), topic.label) for topic in opened.topics()]
        if as_json:
            named = [{"label": label, "papers": papers} for papers, label in topics]
            say_json({"html": str(html.resolve()), "papers": len(opened), "topics": named})
            return
        say_table(topics)
        if drawn.note:
            note(drawn.note)
        note(f"the map: {html.resolve()}")


def stats(
    venue: Annotated[str | None, typer.Argument(help="Such as ICLR.", show_default=False)] = None,
    year: Annotated[int | None, typer.Argument(help="Such as 2022.", show_default=False)] = None,
    as_json: AsJson = False,
    library: LibraryPath = None,
) -> None:
    """Say a conference in numbers: submissions, decisions, ratings over time, topics."""
    from .conference import conferences
    from .console import note, say, say_json, say_table
    from .filters import folded
    from .opened import reading

    with reading(library) as opened:
        there = conferences(opened)
        of_it = {
            conference: papers
            for conference, papers in there.items()
            if (venue is None or folded(conference[0]) == folded(venue)) and year in (None, conference[1])
        }
        if venue is not None and year is not None:
            found = opened.stats(venue, year)  # says what there is if this is not
        elif venue is not None and len(of_it) == 1:
            found = opened.stats(*next(iter(of_it)))
        elif venue is not None and not of_it:
            held = ", ".join(f"{name} {when}" for name, when in list(there)[:20]) or "none"
            raise NavigatorError(f"the library has no paper of {venue!r:.80}; conferences in it: {held}")
        else:
            if as_json:
                say_json([{"venue": name, "year": when, "papers": papers} for (name, when), papers in of_it.items()])
            else:
                say_table([(papers, f"{name} {when}") for (name, when), papers in of_it.items()])
                note("`paperwright stats VENUE YEAR` says more about one")
            return
        say_json(found.as_dict()) if as_json else say(found.table())


def digest(
    since: Annotated[str | None, typer.Option(help="From this date on: 2022-04-01.", show_default=False)] = None,
    until: Annotated[str | None, typer.Option(help="Up to this date.", show_default=False)] = None,
    by: Annotated[
        str | None, typer.Option(help="A tag: what is like its papers comes first.", show_default=False)
    ] = None,
    n: Annotated[int, typer.Option("--n", "-n", help="How many papers.")] = 10,
    form: Annotated[str, typer.Option("--format", help=f"{', '.join(FORMS)}.")] = "text",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this file instead of printing.")] = None,
    library: LibraryPath = None,
) -> None:
    """Pick what is worth reading of a period, each paper with why, its key sentence and its links."""
    from paperwright.files import write_text

    from .console import note, say
    from .opened import reading

    if form not in FORMS:
        raise NavigatorError(f"--format is one of {', '.join(FORMS)}; got {form!r:.80}")
    with reading(library) as opened:
        made = opened.digest(since=since, until=until, n=n, by=by)
        forms = {"text": made.text, "markdown": made.markdown, "html": lambda: _page(made.html()), "atom": made.atom}
        written = forms[form]()
    if out is None:
        say(written.rstrip("\n"))
    else:
        write_text(out, written)
        note(f"the digest: {out}")


def _page(article: str) -> str:
    """A part of a page as a page of its own."""
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Digest</title>'
    return f'<!doctype html>\n<html lang="en">\n<head>{head}</head>\n<body>\n{article}</body>\n</html>\n'


def doctor(as_json: AsJson = False, library: LibraryPath = None) -> int:
    """Check a library's files, index, encoder and counts, and say what to do about what is wrong."""
    from .console import say, say_json
    from .doctor import diagnose
    from .opened import folder_of, reading

    folder = folder_of(library)
    if folder is not None:
        problems = diagnose(folder)
    else:
        with reading(None) as embedded:
            problems = embedded.doctor()
    where = folder or "the embedded library"
    if as_json:
        found = [{"where": one.where, "what": one.what, "remedy": one.remedy} for one in problems]
        say_json({"library": str(where), "problems": found})
    else:
        say("\n".join(map(str, problems)) if problems else f"all is well with {where}")
    return 1 if problems else 0


def rebuild(
    on: Annotated[
        str, typer.Option(help="Where texts are encoded: inprocess, processes:N, dask://host:port, slurm://partition.")
    ] = "inprocess",
    library: LibraryPath = None,
) -> None:
    """Make a library's encoder, vectors and index anew from its records."""
    from paperwright.executors import place

    from .console import Watch, say
    from .opened import existing

    with existing(library) as opened:
        where = place(on)
        try:
            with Watch() as watch:
                opened.rebuild(progress=watch, on=where)
        finally:
            where.close(False)
        say(f"made anew: {len(opened):,} papers in {opened.directory}")
