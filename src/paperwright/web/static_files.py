"""The style sheet, the scripts and the vendored code: read once, named by their content, served from memory.

A request names one of these files or nothing; no part of an address ever becomes a path.
"""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

FOLDER: Final = Path(__file__).parent / "static"
_MEDIA_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".json": "application/json",
}


@dataclass(frozen=True)
class StaticFile:
    """A file's content, plain and compressed, and the version that its address carries."""

    content: bytes
    compressed: bytes
    media_type: str
    version: str


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return StaticFile(content, gzip.compress(content, 6, mtime=0), _MEDIA_TYPES[path.suffix], digest)


FILES: Final = {
    path.relative_to(FOLDER).as_posix(): _read(path)
    for path in sorted(FOLDER.rglob("*"))
    if path.suffix in _MEDIA_TYPES and path.is_file()
}
router = APIRouter(include_in_schema=False)


def address(name: str) -> str:
    """The address of a file, with its version: it may be kept for ever."""
    return f"/static/{name}?v={FILES[name].version}"


@router.get("/static/{name:path}")
def static(request: Request, name: str) -> Response:
    """One of the files."""
    file = FILES.get(name)
    if file is None:
        raise HTTPException(404)
    tag = f'"{file.version}"'
    lasting = request.query_params.get("v") == file.version
    headers = {
        "ETag": tag,
        "Cache-Control": "public, max-age=31536000, immutable" if lasting else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.compressed, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.content, media_type=file.media_type, headers=headers)


@router.get("/favicon.ico")
def icon(request: Request) -> Response:
    """What browsers ask for beside every page."""
    return static(request, "mark.svg")
