"""Which engine an index is of, where it lies, and what is said when it cannot be had."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from paperwright.navigator import engines
from paperwright.navigator.engines import name_of, open_index
from paperwright.navigator.errors import LibraryError, NavigatorError
from paperwright.navigator.filters import Filter, columns_of
from paperwright.navigator.index import Dated, Explaining, Index, Tallying
from paperwright.navigator.library import Library
from paperwright.navigator.paper import Paper
from paperwright.navigator.postgres_connections import AT_MOST
from paperwright.navigator.postgres_index import PostgresIndex

if TYPE_CHECKING:
    from navigator.conftest import PostgresServer

EVERYTHING = Filter()
CARP = Paper(id="carp", title="Curvature and rewiring in graphs", authors=("Ada Lovelace",), year=2022)
PIKE = Paper(id="pike", title="Privacy of diffusion models", authors=("Emmy Noether",), year=2021)


@pytest.fixture
def schema(postgres_address: str) -> Iterator[str]:
    """The name of a schema that is dropped afterwards."""
    name = f"test_{os.urandom(6).hex()}"
    yield name
    with psycopg.connect(postgres_address) as connection:
        connection.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(name)))


def put(index: Index, *papers: Paper, revision: int = 1) -> None:
    index.upsert(
        [paper.id for paper in papers], [paper.title for paper in papers], None, list(map(columns_of, papers)), revision
    )


@pytest.mark.parametrize("engine", ["memory", "lance", "lance:URL", "postgres"])
def test_an_engine_is_opened_by_its_name_and_is_an_index(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if engine == "postgres":
        engine = request.getfixturevalue("postgres_address")
    engine = engine.replace("URL", (tmp_path / "bucket").as_uri())
    index = open_index(engine, tmp_path / "generation-0" / "index")
    assert isinstance(index, Index)
    assert isinstance(index, Explaining)
    assert isinstance(index, Dated)
    assert isinstance(index, Tallying)
    put(index, CARP, PIKE)
    index.snapshot()
    index.close()
    index = open_index(engine, tmp_path / "generation-0" / "index")
    assert [one.id for one in index.lexical("curvature", 5, EVERYTHING)] == ["carp"]
    assert index.revision == 1
    index.close()


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        ("mysql://root:sesame@host/db", '"memory", "lance"'),
        ("sesame", '"memory", "lance"'),
        ("lance:", '"memory", "lance"'),
        ("", '"memory", "lance"'),
        ("postgresql://reader:sesame@[::1/db", "expected postgresql://user:password@host"),
        ("postgresql://reader:sesame@host/db?colour=green", "expected postgresql://user:password@host"),
    ],
)
def test_no_such_engine(engine: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(NavigatorError, match=words) as caught:
        open_index(engine, tmp_path / "index")
    assert ("sesame" in str(caught.value)) == (engine == "sesame")  # not a password there
    assert "\n" not in str(caught.value)


def test_an_index_that_lies_elsewhere_belongs_to_a_folder() -> None:
    with pytest.raises(LibraryError, match=r"Library\.create"):
        open_index("postgresql://host/db", None)


@pytest.mark.parametrize(
    ("module", "engine", "extra"),
    [("lancedb", "lance", "navigator-lance"), ("psycopg", "postgresql://host/db", "navigator-postgres")],
)
def test_a_missing_library_is_one_line_that_names_the_extra(
    module: str, engine: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(NavigatorError, match=rf"paperwright\[{extra}\]") as caught:
        open_index(engine, tmp_path / "index")
    assert "\n" not in str(caught.value)


def test_a_name_stays_with_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "ICLR '22" / "generation-3-ab" / "index"
    name = name_of(folder)
    assert name == name_of(folder)
    assert name.startswith("paperwright_iclr_22_")
    # A copy, and a folder that was moved, are not the original.
    shutil.copytree(tmp_path / "ICLR '22", tmp_path / "copy")
    assert name_of(tmp_path / "copy" / "generation-3-ab" / "index") != name
    assert name_of(folder) == name


@pytest.mark.parametrize(
    "content", ['{"name": "public", "directory": "HERE"}', '{"name": "paperwright_x", "directory": ""}']
)
def test_a_name_that_is_not_ours_is_not_used(content: str, tmp_path: Path) -> None:
    here = json.dumps(str(tmp_path.resolve()))[1:-1]
    (tmp_path / engines.PLACE).write_text(content.replace("HERE", here), encoding="utf-8")
    assert name_of(tmp_path) not in ("public", "paperwright_x")


@pytest.mark.parametrize("content", ["", "[]", '{"name": "public"}', "\xff"])
def test_a_damaged_name_is_said(content: str, tmp_path: Path) -> None:
    (tmp_path / engines.PLACE).write_text(content, encoding="latin-1")
    with pytest.raises(LibraryError, match=r"place\.json cannot be read"):
        name_of(tmp_path)


def test_damaged_files_of_lance_are_one_line_with_the_way_out(tmp_path: Path) -> None:
    index = open_index("lance", tmp_path / "index")
    put(index, CARP, PIKE)
    index.close()
    for file in (tmp_path / "index" / "papers.lance" / "_versions").iterdir():
        file.write_bytes(b"\0" * 100)
    with pytest.raises(LibraryError, match="rebuild the library") as caught:
        open_index("lance", tmp_path / "index").lexical("curvature", 5, EVERYTHING)
    assert "\n" not in str(caught.value)


def test_a_place_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("not a folder")
    for engine in ("lance", "postgresql://host/db"):
        with pytest.raises(LibraryError, match="index"):
            open_index(engine, tmp_path / "index")


# -- a server ----------------------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there_is_one_line_without_the_password(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        port = taken.getsockname()[1]
        with pytest.raises(LibraryError, match="is the server running") as caught:
            open_index(f"postgresql://reader:sesame@127.0.0.1:{port}/papers", tmp_path / "index")
    assert "sesame" not in str(caught.value)
    assert f"127.0.0.1:{port}/papers" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_the_server_refuses_is_one_line(postgres_address: str, tmp_path: Path) -> None:
    nowhere = postgres_address.replace("/postgres?", "/no_such_database?")
    with pytest.raises(LibraryError, match=r"no_such_database.*does not exist") as caught:
        open_index(nowhere, tmp_path / "index")
    assert "\n" not in str(caught.value)


def test_who_may_not_create_is_told_so(postgres_address: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_address) as connection:
        connection.execute("CREATE ROLE guest LOGIN PASSWORD 'sesame'")
    try:
        with pytest.raises(LibraryError, match="permission denied for database") as caught:
            open_index(postgres_address.replace("reader@", "guest:sesame@"), tmp_path / "index")
    finally:
        with psycopg.connect(postgres_address) as connection:
            connection.execute("DROP ROLE guest")
    assert "sesame" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_without_pgvector_is_searched_by_words(postgres_address: str, tmp_path: Path) -> None:
    """In a database of its own, whose list of extensions is hidden behind an empty one."""
    with psycopg.connect(postgres_address, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bare")
        connection.execute("ALTER DATABASE bare SET search_path = hidden, pg_catalog, public")
    address = postgres_address.replace("/postgres?", "/bare?")
    with psycopg.connect(address) as connection:
        connection.execute("CREATE SCHEMA hidden")
        connection.execute("CREATE VIEW hidden.pg_available_extensions AS SELECT 'plpgsql' AS name")
    index = open_index(address, tmp_path / "index")
    put(index, CARP)
    with pytest.raises(LibraryError, match="has no pgvector"):
        index.upsert(["pike"], ["pike"], np.eye(1, dtype=np.float32), [columns_of(PIKE)], 2)
    assert [one.id for one in index.lexical("curvature", 5, EVERYTHING)] == ["carp"]
    index.close()
    with psycopg.connect(postgres_address, autocommit=True) as connection:
        connection.execute("DROP DATABASE bare WITH (FORCE)")


def test_a_connection_that_was_lost_is_replaced(postgres_address: str, schema: str) -> None:
    index = PostgresIndex(postgres_address, schema)
    put(index, CARP)
    for _ in range(2):
        _end_sessions(postgres_address)
        assert [one.id for one in index.lexical("curvature", 5, EVERYTHING)] == ["carp"]
        _end_sessions(postgres_address)
        put(index, PIKE, revision=2)
    assert (index.count(EVERYTHING), index.revision) == (2, 2)
    index.close()


def _end_sessions(address: str) -> None:
    with psycopg.connect(address) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'paperwright'"
        )


def test_a_server_that_was_started_again(postgres_server: "PostgresServer", schema: str) -> None:
    index = PostgresIndex(postgres_server.address, schema)
    put(index, CARP)
    postgres_server.stop()
    with pytest.raises(LibraryError, match="is the server running"):
        index.lexical("curvature", 5, EVERYTHING)
    postgres_server.start()
    assert [one.id for one in index.lexical("curvature", 5, EVERYTHING)] == ["carp"]
    index.close()


def test_few_connections_serve_many_threads(postgres_address: str, schema: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    index = PostgresIndex(postgres_address, schema)
    put(index, CARP, PIKE)
    with ThreadPoolExecutor(24) as pool:
        found = list(pool.map(lambda _: index.lexical("curvature", 5, EVERYTHING)[0].id, range(200)))
    assert set(found) == {"carp"}
    with psycopg.connect(postgres_address) as connection:
        (open_now,) = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'paperwright'"
        ).fetchone() or (0,)
    assert 1 <= open_now <= AT_MOST
    index.close()


def test_two_indexes_in_one_database_do_not_meet(postgres_address: str, schema: str, tmp_path: Path) -> None:
    ours = PostgresIndex(postgres_address, schema)
    theirs = open_index(postgres_address, tmp_path / "index")
    put(ours, CARP)
    put(theirs, PIKE, revision=7)
    assert [one.id for one in ours.lexical("curvature privacy", 5, EVERYTHING)] == ["carp"]
    assert (ours.revision, theirs.revision) == (1, 7)
    assert isinstance(theirs, PostgresIndex)
    theirs.drop()
    assert ours.count(EVERYTHING) == 1
    ours.close()
    theirs.close()


def test_an_index_of_another_format_is_not_touched(postgres_address: str, schema: str) -> None:
    PostgresIndex(postgres_address, schema).close()
    with psycopg.connect(postgres_address) as connection:
        connection.execute(SQL("UPDATE {}.state SET format = 99").format(Identifier(schema)))
    with pytest.raises(LibraryError, match=r"format 99.*rebuild"):
        PostgresIndex(postgres_address, schema)


# -- a library over each engine ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["memory", "lance", "postgres"])
def test_a_library_over_an_engine(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    address = request.getfixturevalue("postgres_address") if engine == "postgres" else engine
    titles = ["graph search", "graph tree", "text model", "image flow", "text parser", "graph walk"] * 3
    papers = [
        Paper(id=f"p{place:02d}", title=f"{title} {place}", year=2000 + place) for place, title in enumerate(titles)
    ]
    early = Filter.of({"year": (2000, 2010)})
    with Library.create(tmp_path / "library", index=address) as library:
        library.add(papers)
        library.remove("p05")
        found = [one.id for one in library.index.lexical("graph", 50, early)]
        assert sorted(found) == ["p00", "p01", "p06", "p07"]
        vectors = library.vectors(["p00", "p02"])
    with Library.open(tmp_path / "library") as library:
        assert len(library) == library.index.count(EVERYTHING) == 17
        np.testing.assert_allclose(library.vectors(["p00", "p02"]), vectors, atol=1e-3)
        library.rebuild()
        assert [one.id for one in library.index.lexical("graph", 50, early)] == found


@pytest.mark.parametrize("engine", ["memory", "lance", "postgres"])
def test_a_library_whose_words_an_earlier_version_made_opens_and_is_found_anew(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from paperwright.navigator import lance_index, memory_index, postgres_tables

    index = request.getfixturevalue("postgres_address") if engine == "postgres" else engine
    with monkeypatch.context() as earlier:
        earlier.setattr(memory_index, "FORMAT", 2)
        earlier.setattr(lance_index, "FORMAT", 1)
        earlier.setattr(postgres_tables, "FORMAT", 1)
        tables = tuple(one.replace("VALUES (2, 0", "VALUES (1, 0") for one in postgres_tables._TABLES)
        earlier.setattr(postgres_tables, "_TABLES", tables)
        with Library.create(tmp_path / "library", index=index) as library:
            library.add([Paper(id="a", title="Templates in C++"), Paper(id="b", title="Generalisation of C")])
    with Library.open(tmp_path / "library") as library:
        assert [hit.paper.id for hit in library.search("C++")] == ["a"]
        assert [hit.paper.id for hit in library.search("generalization")] == ["b"]
    with Library.open(tmp_path / "library") as library:
        assert [hit.paper.id for hit in library.search("C++")] == ["a"]
        if isinstance(library.index, PostgresIndex):
            library.index.drop()
