"""Errors as a reader or a program meets them: what came, what is expected, the way out; never a traceback."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from paperwright.navigator.errors import NavigatorError, UnknownPaperId

if TYPE_CHECKING:
    from paperwright.web.templates import Templates


class NotThere(NavigatorError):
    """What an address names is not there.

    Attributes:
        hint: The way out.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def attach(app: FastAPI, templates: "Templates") -> None:
    """Answers every error of the application: programs get JSON, readers a page."""

    def answer(request: Request, status: int, code: str, message: str, hint: str = "") -> Response:
        if request.url.path.startswith("/api"):
            return JSONResponse({"error": {"code": code, "message": message, "hint": hint}}, status_code=status)
        heading = "Not here" if status == 404 else "That will not do"
        return templates.page(request, "error.html", status=status, heading=heading, message=message, hint=hint)

    def navigator(request: Request, error: Exception) -> Response:
        message, _, hint = str(error).partition("; ")
        if isinstance(error, NotThere):
            return answer(request, 404, "not_found", str(error), error.hint)
        if isinstance(error, UnknownPaperId):
            return answer(request, 404, "not_found", message, hint or "search finds papers by words, ids and links")
        return answer(request, 422, "invalid", message, hint)

    def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        said = [_said(one) for one in error.errors()[:5]]
        return answer(request, 422, "invalid", "; ".join(said), _known(request))

    def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        codes = {404: "not_found", 405: "method_not_allowed"}
        messages = {404: "there is nothing at this address", 405: f"{request.method} is not done at this address"}
        message = messages.get(error.status_code, str(error.detail))
        hint = "/api lists the addresses" if request.url.path.startswith("/api") else ""
        return answer(request, error.status_code, codes.get(error.status_code, "failed"), message, hint)

    handlers: list[tuple[type[Exception], Callable[[Request, Exception], Response]]] = [
        (NavigatorError, navigator),
        (RequestValidationError, invalid),
        (HTTPException, http),
    ]
    for kind, handler in handlers:
        app.add_exception_handler(kind, handler)


def _said(problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"][1:]) or "the request"
    if problem["type"] == "extra_forbidden":
        return f"there is no parameter {name!s:.60}"
    message = problem["msg"]
    return f"{name:.60}: {message[0].lower()}{message[1:]}"


def _known(request: Request) -> str:
    """The parameters that the address has, as a hint."""
    route = request.scope.get("route")
    dependant = getattr(route, "dependant", None)
    names: list[str] = []
    for parameter in getattr(dependant, "query_params", []):
        fields = getattr(parameter.field_info.annotation, "model_fields", None)
        names += list(fields) if fields is not None else [parameter.alias]
    return f"known parameters: {', '.join(names)}" if names else "this address has no parameters"
