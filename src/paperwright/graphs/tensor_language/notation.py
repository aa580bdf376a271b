"""How expressions are written: as plain text, which `parse` reads, and as LaTeX."""

from .expressions import (
    Aggregation,
    Application,
    Edge,
    Equality,
    Expression,
    FeatureRow,
    Inequality,
    Label,
    Number,
    Product,
    Sum,
    Total,
)


def plain(expression: Expression) -> str:
    """The expression as text, such as `sum_y E(x, y) * P0(y)`."""
    match expression:
        case Number(value):
            return repr(value)
        case Edge(x, y, kind):
            return f"E{'' if kind is None else kind}({x}, {y})"
        case Equality(x, y):
            return f"1[{x} = {y}]"
        case Inequality(x, y):
            return f"1[{x} != {y}]"
        case Label(x, column):
            return f"P{column}({x})"
        case FeatureRow(x):
            return f"Features({x})"
        case Sum(terms):
            return _signed([(_negated(term), _term(term)) for term in terms])
        case Product(factors):
            texts = [_factor(factor, last=i == len(factors) - 1) for i, factor in enumerate(factors)]
            minus = texts[0] == "-1" and not isinstance(factors[1], Number)
            return "-" + " * ".join(texts[1:]) if minus else " * ".join(texts)
        case Application(_, arguments, name):
            return f"{name}({', '.join(map(plain, arguments))})"
        case Total(y, body):
            return f"sum_{y} {_bracketed(body) if isinstance(body, Sum) else plain(body)}"
        case Aggregation(y, kind, guard, body):
            return f"{kind}_{y}({plain(guard)}, {plain(body)})"
    raise TypeError(f"{type(expression).__name__} is no expression of the tensor language.")


def _negated(term: Expression) -> Expression | None:
    """The term without its minus sign; None if it has none."""
    match term:
        case Number(value) if value < 0:
            return Number(-value)
        case Product((Number(value), *rest)) if value == -1 and not isinstance(rest[0], Number):
            return rest[0] if len(rest) == 1 else Product(tuple(rest))
        case Product((Number(value), *rest)) if value < 0:
            return Product((Number(-value), *rest))
    return None


def _signed(terms: list[tuple[Expression | None, str]]) -> str:
    text = terms[0][1]
    for negated, term in terms[1:]:
        text += f" + {term}" if negated is None else f" - {_term(negated)}"
    return text


def _term(term: Expression) -> str:
    return _bracketed(term) if isinstance(term, Sum) else plain(term)


def _factor(factor: Expression, *, last: bool) -> str:
    """A sum over an index reaches to the end of its product, so it needs brackets anywhere else."""
    reaching = isinstance(factor, Sum | Product) or (isinstance(factor, Total) and not last)
    return _bracketed(factor) if reaching else plain(factor)


def _bracketed(expression: Expression) -> str:
    return f"({plain(expression)})"


def latex(expression: Expression) -> str:
    r"""The expression as LaTeX, such as `\sum_{y} E(x, y)\, P_{0}(y)`."""
    match expression:
        case Number(value):
            return repr(value)
        case Edge(x, y, kind):
            return f"E{'' if kind is None else f'_{{{kind}}}'}({x}, {y})"
        case Equality(x, y):
            return rf"\mathbf{{1}}[{x} = {y}]"
        case Inequality(x, y):
            return rf"\mathbf{{1}}[{x} \neq {y}]"
        case Label(x, column):
            return f"P_{{{column}}}({x})"
        case FeatureRow(x):
            return f"F({x})"
        case Sum(terms):
            parts = [latex(terms[0])]
            for term in terms[1:]:
                negated = _negated(term)
                parts.append(f"+ {latex(term)}" if negated is None else f"- {latex(negated)}")
            return " ".join(parts)
        case Product(factors):
            texts = [_latex_factor(factor, last=i == len(factors) - 1) for i, factor in enumerate(factors)]
            minus = texts[0] == "-1" and not isinstance(factors[1], Number)
            return "-" + r"\, ".join(texts[1:]) if minus else r"\, ".join(texts)
        case Application(_, arguments, name):
            return (
                rf"\operatorname{{{name.replace('_', chr(92) + '_')}}}\left({', '.join(map(latex, arguments))}\right)"
            )
        case Total(y, body):
            return rf"\sum_{{{y}}} {_latex_bracketed(body) if isinstance(body, Sum) else latex(body)}"
        case Aggregation(y, kind, guard, body):
            return rf"\operatorname{{{kind}}}_{{{y} :\, {latex(guard)} \neq 0}} {_latex_bracketed(body)}"
    raise TypeError(f"{type(expression).__name__} is no expression of the tensor language.")


def _latex_factor(factor: Expression, *, last: bool) -> str:
    reaching = isinstance(factor, Sum | Product) or (isinstance(factor, Total) and not last)
    return _latex_bracketed(factor) if reaching else latex(factor)


def _latex_bracketed(expression: Expression) -> str:
    return rf"\left({latex(expression)}\right)"
