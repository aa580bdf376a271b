"""The options of a data set, looked at before anything is read or made: decoding may take half a minute."""

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from typing import Any

from .dataset import Info


def check_options(info: Info, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Refuse options that `function` does not take by keyword.

    Raises:
        TypeError: The set has no such option.
    """
    parameters = signature(function).parameters.values()
    if any(one.kind is Parameter.VAR_KEYWORD for one in parameters):
        return
    known = [one.name for one in parameters if one.kind is Parameter.KEYWORD_ONLY or one.default is not Parameter.empty]
    for name, value in options.items():
        if name not in known:
            takes = f"one of {known}" if known else "no options"
            raise TypeError(f"{name} is {value!r}; expected {takes} for {info.name}. Leave it out")


def check_splits(info: Info, splits: Sequence[str] | None, known: Sequence[str]) -> None:
    """Refuse splits that are not a list of one or more of those that are known.

    Raises:
        TypeError: They are no list of names.
        ValueError: There are none, or the set has no such split.
    """
    if splits is None:
        return
    if isinstance(splits, str):
        raise TypeError(f"splits is {splits!r}; expected a list of names. Use splits=[{splits!r}]")
    if not isinstance(splits, Sequence) or not all(isinstance(split, str) for split in splits):
        raise TypeError(f"splits is {splits!r}; expected a list of names. Choose from {list(known)}")
    if not splits:
        raise ValueError(f"splits is {splits!r}; expected one or more of {list(known)}. Leave it out for all of them")
    if unknown := [split for split in splits if split not in known]:
        raise ValueError(f"{info.name} has no split {unknown}; it has {list(known)}")
