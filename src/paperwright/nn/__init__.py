"""Layers and architectures that go into any network.

Rooms load when one of their names is first used; `__init__.pyi` says which names there are.
"""

from paperwright._lazy import attach_rooms

__getattr__, __dir__, __all__ = attach_rooms(__name__, __file__)
