"""The command of the web: serve."""

from typing import Annotated

import typer

from paperwright.navigator.commands import in_one_line
from paperwright.navigator.options import LibraryPath


def attach(app: typer.Typer) -> None:
    """Add the web's command to the command line."""
    app.command()(in_one_line(serve))


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8642,
    name: Annotated[
        list[str] | None, typer.Option(help="A host name by which others reach the server; repeatable.")
    ] = None,
    library: LibraryPath = None,
) -> None:
    """Open the library in a browser."""
    from paperwright.navigator.opened import reading
    from paperwright.web import serve as serve_library

    with reading(library) as opened:
        serve_library(opened, host=host, port=port, names=name or ())
