"""The navigator: find, map and read a whole conference.

    >>> from paperwright.navigator import Library
    >>> library = Library.embedded()                                           # doctest: +SKIP
    >>> for hit in library.search("oversquashing in graph neural networks"):   # doctest: +SKIP
    ...     print(hit.rank, hit.paper.title)

Names load when they are first used; `__init__.pyi` says which there are.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
