"""What executes annotations in the tests: jaxtyping where they speak of shapes, beartype alone where they do not.

jaxtyping binds the arguments of every call to names and checks them twice, for the sake of shapes. That takes ten times
as long as the check itself, and most functions have no shapes. Functions without shapes whose name begins with one
underscore are left alone: nobody calls them but their own module, and mypy, which is strict, sees both sides of that.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

import jaxtyping
from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True, violation_type=jaxtyping.TypeCheckError))
"""beartype, with a whole number good enough where a float is asked (PEP 484)."""

bound_to_shapes = jaxtyping.jaxtyped


def quicken() -> None:
    """Let the import hook of jaxtyping leave what has no shapes to the type checker alone."""
    jaxtyping.jaxtyped = jaxtyped


def jaxtyped(thing: Any = None, *, typechecker: Callable[..., Any]) -> Any:
    """Wrap a function, or the `__init__` of a dataclass, in its checks, as `jaxtyping.jaxtyped` does."""
    if thing is None:
        return functools.partial(jaxtyped, typechecker=typechecker)
    if inspect.isclass(thing):
        if dataclasses.is_dataclass(thing) and "__init__" in vars(thing):
            thing.__init__ = jaxtyped(thing.__init__, typechecker=typechecker)
        return thing
    if not inspect.isfunction(thing) or any(map(speaks_of_shapes, thing.__annotations__.values())):
        return bound_to_shapes(thing, typechecker=typechecker)
    if is_private(thing.__name__):
        return thing
    check = typechecker(thing)

    @functools.wraps(thing)
    def unless_disabled(*args: Any, **kwargs: Any) -> Any:
        return (thing if jaxtyping.config.jaxtyping_disable else check)(*args, **kwargs)

    return unless_disabled


def is_private(name: str) -> bool:
    """Whether a name begins with one underscore; two are Python's own."""
    return name.startswith("_") and not name.startswith("__")


def speaks_of_shapes(annotation: object) -> bool:
    """Whether an annotation holds an array with its shape; one in quotes may."""
    if inspect.isclass(annotation) and issubclass(annotation, jaxtyping.AbstractArray):
        return True
    if get_origin(annotation) is Literal:
        return False
    return isinstance(annotation, str) or any(map(speaks_of_shapes, get_args(annotation)))
