"""The library in a browser: server-rendered pages, a JSON interface, feeds.

`serve` starts it; `create_app` is the application, for any ASGI server.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paperwright.web.app import create_app as create_app
    from paperwright.web.server import serve as serve

__all__ = ["create_app", "serve"]


def __getattr__(name: str) -> Any:
    """The public names, each imported with FastAPI when it is first asked for."""
    import importlib

    places = {"create_app": "app", "serve": "server"}
    if name not in places:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from paperwright._lazy import missing_extra

    try:
        return getattr(importlib.import_module(f"{__name__}.{places[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "paperwright":
            raise
        raise missing_extra(__name__, error, "paperwright", "navigator") from None
