"""A rule as text, as its author wrote it, and the rule that such a text stands for.

The text is what a claim's terms hold of the rule; so evidence can be judged and told in words without its room's code.
"""

import ast
import dataclasses
import functools
from typing import Any

from paperwright.claims.rules import comparisons, every_trial, growth, means
from paperwright.claims.rules.rule import All, Rule

RULES: dict[str, type[Rule]] = {
    rule.__name__: rule
    for rule in (
        *(comparisons.Greater, comparisons.Less, comparisons.Equivalent, comparisons.Ordered),
        *(means.Above, means.Below, means.CloseTo, means.Proportion, every_trial.Always, every_trial.Never),
        *(growth.Exponent, growth.Ladder, All),
    )
}
"""The rules that a claim may be made of, by name."""


def rule_text(rule: object) -> str:
    """A rule as its author wrote it: without the arguments left at their defaults.

    Raises:
        TypeError: its terms cannot be written down.
    """
    if not dataclasses.is_dataclass(rule):
        raise TypeError(f"rule: {type(rule).__name__} is no dataclass, so that its terms cannot be written down")
    said = []
    for name, value in _changed(rule).items():
        if name == "rules" and isinstance(value, tuple):
            said += [rule_text(part) for part in value]
        else:
            said.append(f"{name}={value!r}" if said else repr(value))
    return f"{type(rule).__name__}({', '.join(said)})"


def _changed(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from their defaults."""
    found = {}
    for each in dataclasses.fields(value):
        default = each.default_factory() if each.default_factory is not dataclasses.MISSING else each.default
        held = getattr(value, each.name)
        if default is dataclasses.MISSING or held != default:
            found[each.name] = held
    return found


@functools.lru_cache(maxsize=1024)
def rule_of(text: str) -> Rule | None:
    """The rule that `rule_text` wrote so; None where it holds what is no rule of ours or no plain value."""
    try:
        return _rule(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, TypeError, AttributeError, LookupError, RecursionError):
        return None


def _rule(node: ast.expr) -> Rule:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in RULES:
        raise ValueError(f"{ast.unparse(node)} is no rule")
    given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in node.keywords if keyword.arg is not None}
    if len(given) < len(node.keywords):
        raise ValueError(f"{ast.unparse(node)} gives an argument twice, or arguments without their names")
    if node.func.id == "All":
        return All(*map(_rule, node.args), **given)
    return RULES[node.func.id](*map(ast.literal_eval, node.args), **given)
