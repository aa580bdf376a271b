"""XML from a stranger, read safely: no entity is expanded, no document type accepted, nothing fetched."""

from typing import TYPE_CHECKING

from ..errors import LibraryError

if TYPE_CHECKING:
    from lxml.etree import _Element


def xml_of(answer: bytes) -> "_Element":
    """The root of a document.

    Raises:
        ValueError: it is not well-formed, not whole, or brings a document type of its own.
    """
    try:
        from lxml import etree
    except ModuleNotFoundError:
        raise LibraryError(
            "reading from arXiv needs lxml, which is not installed: pip install 'paperwright[navigator]'"
        ) from None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(answer, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"XML that is not well-formed: {error}") from None
    if root.getroottree().docinfo.doctype:
        raise ValueError("XML with a document type of its own, which no answer needs")
    return root


def words(element: "_Element | None", name: str, space: str) -> str:
    """The text of a child, white space folded; "" where there is none."""
    child = element.find(f"{{{space}}}{name}") if element is not None else None
    return " ".join("".join(child.itertext()).split()) if child is not None else ""
