# ruff: noqa: E501
"""Every way in which a trial's result can change with its code, each on a tiny package whose result does change."""

import importlib
import shutil
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paperwright.claims import catalogue
from paperwright.claims.fingerprint import reached_code
from paperwright.claims.fingerprint.reached_code import Code
from paperwright.registry import registry

CLAIM = """
from paperwright.claims import Above, Budget, Claim
claim = Claim("s", arms=["a"], rule=Above("x", 0.0), budgets={"desk": Budget(3)}, trial=trial, scale="all")
"""
# Trials, and a module that most of them import.
ASKS = "def trial(*_, **__):\n    return {'x': TABLE['a']}\n"
SUMS = "def trial(*_, **__):\n    return {'x': sum(LIST)}\n"
CALLS = "def trial(*_, **__):\n    return {'x': f(1.0)}\n"
M = "def f(x):\n    return x\n"
REGISTER = "KNOWN = {}\ndef register(f):\n    KNOWN[f.__name__] = f\n    return f\n"
ONE = "@register\ndef one():\n    return 1\n"
LAZY = "import lazy_loader\n__getattr__, __dir__, __all__ = lazy_loader."

Room = Callable[..., tuple[float, Code]]


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    """Writes a package anew, and gives the number that its trial returns and the code that it reaches."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    folder = tmp_path / "tiny_room"

    def code(**files: str) -> tuple[float, Code]:
        for name in [name for name in sys.modules if name.partition(".")[0] == "tiny_room"]:
            del sys.modules[name]
        shutil.rmtree(folder, ignore_errors=True)
        for name, text in {"__init__": "", **files}.items():
            path = folder / (name if "." in name else f"{name}.py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text) + (CLAIM if name == "claims" else ""), encoding="utf-8")
        reached_code.forget()
        importlib.invalidate_caches()
        claim = catalogue.claims_of("tiny_room.claims")["claim"]
        found = reached_code.code_of("tiny_room.claims", claim)
        return claim.trial("a", seed=0, device="cpu")["x"], found

    return code


# The kind: the files, which of them changes, and what becomes what.
Kinds = dict[str, tuple[dict[str, str], str, str, str]]

# fmt: off
IN_PLACE: Kinds = {
    "an item that is set": ({"claims": f"TABLE = {{}}\nTABLE['a'] = 1\n{ASKS}"}, "claims", "= 1", "= 2"),
    "an item that is deleted": ({"claims": f"LIST = [1, 2, 5]\ndel LIST[0]\n{SUMS}"}, "claims", "LIST[0]", "LIST[1]"),
    "an item of an item": ({"claims": f"TABLE = {{'a': {{}}}}\nTABLE['a']['b'] = 1\n{ASKS}"}, "claims", "= 1", "= 2"),
    "a method that changes": ({"claims": f"LIST = []\nLIST.append(1)\n{SUMS}"}, "claims", "(1)", "(2)"),
    "a method that changes, and its value": ({"claims": f"LIST = [1, 2]\nLAST = LIST.pop(0)\n{SUMS}"}, "claims", "pop(0)", "pop(1)"),
    "a method that changes, once more": ({"claims": f"LIST = []\nLIST.append(1)\n{SUMS}"}, "claims", "(1)\n", "(1)\nLIST.append(1)\n"),
    "the order of two changes": ({"claims": f"LIST = [1]\nLIST[0] += 1\nLIST[0] *= 3\n{SUMS}"}, "claims", "LIST[0] += 1\nLIST[0] *= 3", "LIST[0] *= 3\nLIST[0] += 1"),
    "what is used before a change": ({"claims": "A = 1\nB = A\nA = 2\ndef trial(*_, **__):\n    return {'x': B + 0 * A}\n"}, "claims", "B = A\nA = 2", "A = 2\nB = A"),
    "a sum in place": ({"claims": f"LIST = [1]\nLIST += [2]\n{SUMS}"}, "claims", "[2]", "[3]"),
    "an attribute of a class": ({"claims": "class A:\n    x = 1\nA.x = 2\ndef trial(*_, **__):\n    return {'x': A.x}\n"}, "claims", "A.x = 2", "A.x = 3"),
    "setattr": ({"claims": "class A:\n    x = 1\nsetattr(A, 'x', 2)\ndef trial(*_, **__):\n    return {'x': A.x}\n"}, "claims", "'x', 2", "'x', 3"),
    "a loop": ({"claims": f"TABLE = {{}}\nfor name in ('a', 'b'):\n    TABLE[name] = 1\n{ASKS}"}, "claims", "= 1", "= 2"),
    "a condition": ({"claims": f"TABLE = {{}}\nif len('a'):\n    TABLE['a'] = 1\n{ASKS}"}, "claims", "= 1", "= 2"),
    "a try": ({"claims": f"try:\n    TABLE = {{'a': 1}}\nexcept KeyError:\n    TABLE = {{}}\n{ASKS}"}, "claims", "1}", "2}"),
    "a with": ({"claims": f"import contextlib\nTABLE = {{}}\nwith contextlib.suppress(OSError):\n    TABLE['a'] = 1\n{ASKS}"}, "claims", "= 1", "= 2"),
    "a library's call for its effect": ({"claims": f"import heapq\nLIST = []\nheapq.heappush(LIST, 1)\n{SUMS}"}, "claims", "LIST, 1", "LIST, 2"),
    "a function that changes its argument": ({"claims": f"from .m import fill\nTABLE = {{}}\nDONE = fill(TABLE)\n{ASKS}", "m": "def fill(table):\n    table['a'] = 1\n    return True\n"}, "m", "= 1", "= 2"),
    "a function that changes a variable": ({"claims": f"TABLE = {{}}\ndef put(value):\n    TABLE['a'] = value\nput(1)\n{ASKS}"}, "claims", "put(1)", "put(2)"),
    "a function that has another change it": ({"claims": f"TABLE = {{}}\ndef put(value):\n    TABLE['a'] = value\ndef again(value):\n    put(value)\nagain(1)\n{ASKS}"}, "claims", "again(1)", "again(2)"),
    "a global": ({"claims": "X = 1\ndef put(value):\n    global X\n    X = value\nput(1)\ndef trial(*_, **__):\n    return {'x': X}\n"}, "claims", "put(1)", "put(2)"),
    "a decorator that registers": ({"claims": f"{REGISTER}{ONE}def trial(*_, **__):\n    return {{'x': KNOWN['one']()}}\n"}, "claims", "return 1", "return 2"),
    "a decorator with arguments": ({"claims": "KNOWN = {}\ndef register(name):\n    def keep(f):\n        KNOWN[name] = f\n        return f\n    return keep\n@register('a')\ndef one():\n    return 1\ndef trial(*_, **__):\n    return {'x': KNOWN['a']()}\n"}, "claims", "return 1", "return 2"),
    "a decorator that is a method": ({"claims": f"from functools import singledispatch\n@singledispatch\ndef f(x):\n    return 0\n@f.register\ndef _(x: float):\n    return 1\n{CALLS}"}, "claims", "return 1", "return 2"),
    "a subclass that registers itself": ({"claims": "KNOWN = {}\nclass Base:\n    def __init_subclass__(cls):\n        KNOWN[cls.__name__] = cls\nclass One(Base):\n    x = 1\ndef trial(*_, **__):\n    return {'x': KNOWN['One'].x}\n"}, "claims", "x = 1", "x = 2"),
    "a registry that another module fills": ({"claims": "from .m import KNOWN\nfrom . import n\ndef trial(*_, **__):\n    return {'x': KNOWN['one']()}\n", "m": REGISTER, "n": f"from .m import register\n{ONE}"}, "n", "return 1", "return 2"),
    "a registry that the package fills": ({"__init__": "from . import n\n", "claims": "from .m import KNOWN\ndef trial(*_, **__):\n    return {'x': KNOWN['one']()}\n", "m": REGISTER, "n": f"from tiny_room import m\n{ONE.replace('@', '@m.')}"}, "n", "return 1", "return 2"),
    "another module's variable": ({"claims": f"from . import m\nfrom .m import f\nm.X = 2\n{CALLS}", "m": "X = 1\ndef f(x):\n    return X\n"}, "claims", "m.X = 2", "m.X = 3"),
    "another module's table": ({"claims": f"from .m import TABLE, f\nTABLE['b'] = 2\n{CALLS}", "m": "TABLE = {}\ndef f(x):\n    return TABLE['b']\n"}, "claims", "= 2", "= 3"),
    "another module's list, by attribute": ({"claims": f"from . import m\nm.LIST.append(2)\n{CALLS}".replace("f(", "m.f("), "m": "LIST = []\ndef f(x):\n    return sum(LIST)\n"}, "claims", "(2)", "(3)"),
    "an effect outside": ({"claims": f"from .m import f\n{CALLS}", "m": "import random\nrandom.seed(1)\nX = random.random()\ndef f(x):\n    return X\n"}, "m", "seed(1)", "seed(2)"),
    "an effect outside, by a function": ({"claims": "import random\ndef start():\n    random.seed(1)\nstart()\nX = random.random()\ndef trial(*_, **__):\n    return {'x': X}\n"}, "claims", "seed(1)", "seed(2)"),
    "a setting of a library": ({"claims": "import decimal\ndecimal.DefaultContext.Emax = 5\ndef trial(*_, **__):\n    return {'x': decimal.DefaultContext.Emax}\n"}, "claims", "= 5", "= 6"),
}
IMPORTED: Kinds = {
    "import *": ({"claims": f"from .m import *\n{CALLS}", "m": f"__all__ = ['f']\n{M}"}, "m", "return x", "return 2 * x"),
    "import * without __all__": ({"claims": f"from .m import *\n{CALLS}", "m": M}, "m", "return x", "return 2 * x"),
    "import * of import *": ({"claims": f"from .m import *\n{CALLS}", "m": "from .n import *\n", "n": M}, "n", "return x", "return 2 * x"),
    "a name from the package": ({"claims": f"from tiny_room import f\n{CALLS}", "__init__": "from .m import f as f\n", "m": M}, "m", "return x", "return 2 * x"),
    "a name that is another's": ({"claims": f"from .m import f, g\n{CALLS}".replace("f(1.0)", "f(1.0) - g(3)"), "m": f"{M}def g(x):\n    return 2 * x\n"}, "claims", "f, g", "g as f, f as g"),
    "a library's name that is another's": ({"claims": f"from math import sin as f\n{CALLS}"}, "claims", "sin", "cos"),
    "a module by attribute": ({"claims": f"import tiny_room.m\n{CALLS.replace('f(', 'tiny_room.m.f(')}", "m": M}, "m", "return x", "return 2 * x"),
    "a module by a variable": ({"claims": "from . import m\ndef trial(*_, **__):\n    name = 'f'\n    return {'x': getattr(m, name)(1)}\n", "m": M}, "m", "return x", "return 2 * x"),
    "a relative import from above": ({"claims": f"from .sub.m import f\n{CALLS}", "sub/__init__": "", "sub/m": "from ..n import f\n", "n": M}, "n", "return x", "return 2 * x"),
    "an import in a function": ({"claims": "def trial(*_, **__):\n    from .m import f as g\n    return {'x': g(1)}\n", "m": M}, "m", "return x", "return 2 * x"),
    "an import in a try": ({"claims": f"try:\n    from .m import f\nexcept ImportError:\n    f = None\n{CALLS}", "m": M}, "m", "return x", "return 2 * x"),
    "import_module": ({"claims": f"import importlib\n{CALLS.replace('f(', 'importlib.import_module(chr(34)).f(').replace('chr(34)', repr('tiny_room.m'))}", "m": M}, "m", "return x", "return 2 * x"),
    "import_module, relative": ({"claims": "from importlib import import_module\ndef trial(*_, **__):\n    return {'x': import_module('.m', __package__).f(1)}\n", "m": M}, "m", "return x", "return 2 * x"),
    "globals": ({"claims": f"{M}def trial(*_, **__):\n    return {{'x': globals()['f'](1)}}\n"}, "claims", "return x\n", "return 2 * x\n"),
    "lazy_loader.attach": ({"claims": f"from tiny_room import f\n{CALLS}", "__init__": f"{LAZY}attach(__name__, submod_attrs={{'m': ['f']}})\n", "m": M}, "m", "return x", "return 2 * x"),
    "lazy_loader.attach_stub": ({"claims": f"from tiny_room import f\n{CALLS}", "__init__": f"{LAZY}attach_stub(__name__, __file__)\n", "__init__.pyi": "from .m import f as f\n", "m": M}, "m", "return x", "return 2 * x"),
    "a lazy name by attribute": ({"claims": f"import tiny_room\n{CALLS.replace('f(', 'tiny_room.f(')}", "__init__": f"{LAZY}attach(__name__, submod_attrs={{'m': ['f']}})\n", "m": M}, "m", "return x", "return 2 * x"),
    "__getattr__ of a module": ({"claims": "def trial(*_, **__):\n    from tiny_room import f\n    return {'x': f(1)}\n", "__init__": "def __getattr__(name):\n    if name != 'f':\n        raise AttributeError(name)\n    from .m import f\n    return f\n", "m": M}, "m", "return x", "return 2 * x"),
    "a file of the package": ({"claims": "from pathlib import Path\ndef trial(*_, **__):\n    return {'x': float((Path(__file__).parent / 'x.txt').read_text())}\n", "x.txt": "1.0"}, "x.txt", "1", "2"),
    "a file in a folder of the package": ({"claims": "from pathlib import Path\nHERE = Path(__file__).parent\ndef trial(*_, **__):\n    return {'x': float((HERE / 'sub/x.txt').read_text())}\n", "sub/x.txt": "1.0"}, "sub/x.txt", "1", "2"),
    "a resource of the package": ({"claims": "from importlib.resources import files\ndef trial(*_, **__):\n    return {'x': float(files('tiny_room').joinpath('x.txt').read_text())}\n", "x.txt": "1.0"}, "x.txt", "1", "2"),
    "get_data": ({"claims": "import pkgutil\ndef trial(*_, **__):\n    return {'x': float(pkgutil.get_data('tiny_room', 'x.txt'))}\n", "x.txt": "1.0"}, "x.txt", "1", "2"),
}
TRIALS: Kinds = {
    "a partial": ({"claims": "from functools import partial\ndef run(k, *_, **__):\n    return {'x': k}\ntrial = partial(run, 1)\n"}, "claims", "'x': k", "'x': 2 * k"),
    "what a partial is bound to": ({"claims": "from functools import partial\ndef run(k, *_, **__):\n    return {'x': k}\ntrial = partial(run, 1)\n"}, "claims", "run, 1", "run, 2"),
    "a function that a partial is bound to": ({"claims": "from functools import partial\ndef k():\n    return 1\ndef run(k, *_, **__):\n    return {'x': k()}\ntrial = partial(run, k)\n"}, "claims", "return 1", "return 2"),
    "a callable object": ({"claims": "class Trial:\n    def __call__(self, *_, **__):\n        return {'x': 1}\ntrial = Trial()\n"}, "claims", "'x': 1", "'x': 2"),
    "what a callable object holds": ({"claims": "class Trial:\n    def __init__(self, k):\n        self.k = k\n    def __call__(self, *_, **__):\n        return {'x': self.k}\ntrial = Trial(1)\n"}, "claims", "Trial(1)", "Trial(2)"),
    "a method": ({"claims": "class Trial:\n    k = 1\n    def run(self, *_, **__):\n        return {'x': self.k}\ntrial = Trial().run\n"}, "claims", "k = 1", "k = 2"),
    "a closure": ({"claims": "def made(k):\n    def run(*_, **__):\n        return {'x': k}\n    return run\ntrial = made(1)\n"}, "claims", "made(1)", "made(2)"),
    "a decorated trial": ({"claims": "import functools\ndef twice(f):\n    @functools.wraps(f)\n    def run(*given, **named):\n        return {'x': 2 * f(*given, **named)['x']}\n    return run\n@twice\ndef trial(*_, **__):\n    return {'x': 1}\n"}, "claims", "2 * f", "3 * f"),
    "a wrapped trial": ({"claims": "import functools\nfrom .m import twice\ndef one(*_, **__):\n    return {'x': 1}\ntrial = twice(one)\n", "m": "import functools\ndef twice(f):\n    @functools.wraps(f)\n    def run(*given, **named):\n        return {'x': 2 * f(*given, **named)['x']}\n    return run\n"}, "m", "2 * f", "3 * f"),
    "a cached trial": ({"claims": "import functools\n@functools.cache\ndef trial(*_, **__):\n    return {'x': 1}\n"}, "claims", "'x': 1", "'x': 2"),
    "a lambda": ({"claims": "trial = lambda *_, **__: {'x': 1}\n"}, "claims", "'x': 1", "'x': 2"),
    "a base class": ({"claims": "from .m import Base\nclass A(Base):\n    pass\ndef trial(*_, **__):\n    return {'x': A().x}\n", "m": "class Base:\n    x = 1\n"}, "m", "x = 1", "x = 2"),
    "a default": ({"claims": f"K = 1\ndef f(x, k=K):\n    return k\n{CALLS}"}, "claims", "K = 1", "K = 2"),
}
NEIGHBOURS: Kinds = {
    "a function beside": ({"claims": f"from .m import f\n{CALLS}", "m": f"{M}def g(x):\n    return x + 1\n"}, "m", "x + 1", "x + 2"),
    "a function beside, by attribute": ({"claims": f"from . import m\n{CALLS}".replace("f(", "m.f("), "m": f"{M}def g(x):\n    return x + 1\n"}, "m", "x + 1", "x + 2"),
    "a new function": ({"claims": f"from .m import f\n{CALLS}", "m": M}, "m", "return x\n", "return x\n\ndef g(x):\n    return x\n"),
    "a function moved within its file": ({"claims": f"{M}def g(x):\n    return 3 * x\n{CALLS}".replace("f(1.0)", "f(g(1))")}, "claims", "def f(x):\n    return x\ndef g(x):\n    return 3 * x\n", "def g(x):\n    return 3 * x\ndef f(x):\n    return x\n"),
    "another table": ({"claims": f"TABLE = {{'a': 1}}\nOTHER = {{}}\nOTHER['a'] = 1\n{ASKS}"}, "claims", "['a'] = 1", "['a'] = 2"),
    "another registry": ({"claims": f"{REGISTER}{ONE}OTHER = {{}}\ndef trial(*_, **__):\n    return {{'x': len(OTHER)}}\n"}, "claims", "return 1", "return 2"),
    "a local name like another's": ({"claims": "def g(x):\n    return 1\ndef trial(*_, **__):\n    g = 2\n    return {'x': g}\n"}, "claims", "return 1", "return 2"),
    "an element of a comprehension like another's": ({"claims": "g = [7]\ndef trial(*_, **__):\n    return {'x': sum(g for g in (1, 2))}\n"}, "claims", "[7]", "[8]"),
    "the path of an import": ({"claims": f"from tiny_room import f\n{CALLS}", "__init__": "from .m import f as f\n", "m": M}, "__init__", "from .m import", "from tiny_room.m import"),
    "another import of the package": ({"claims": f"from tiny_room import f\n{CALLS}", "__init__": "from .m import f as f\nfrom .n import g as g\n", "m": M, "n": "def g(x):\n    return x + 1\n"}, "n", "x + 1", "x + 2"),
    "a class that a library is told of": ({"claims": f"from .m import f\n{CALLS}", "m": f"import copyreg\nclass A:\n    x = 1\ncopyreg.pickle(A, repr)\n{M}"}, "m", "x = 1", "x = 2"),
    "an import for type checkers": ({"claims": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .m import f\ndef trial(*_, **__):\n    return {'x': 1}\n", "m": M}, "m", "return x", "return 2 * x"),
    "a statement for scripts": ({"claims": "def trial(*_, **__):\n    return {'x': 1}\nif __name__ == '__main__':\n    import random\n    random.seed(1)\n"}, "claims", "seed(1)", "seed(2)"),
    "a file that no code reads": ({"claims": "def trial(*_, **__):\n    return {'x': 1}\n", "x.txt": "1.0"}, "x.txt", "1", "2"),
    "the evidence beside the code": ({"claims": "def trial(*_, **__):\n    return {'x': bool(__file__)}\n", "evidence.json": "1"}, "evidence.json", "1", "2"),
    "what stands beside a lambda": ({"claims": "trial, other = lambda *_, **__: {'x': 1}, 3\n"}, "claims", ", 3", ", 4"),
    "a table of another claim": ({"claims": "ARMS = {'a': 1}\nfrom paperwright.claims import Above as Rule\nother = Rule('x', ARMS['a'])\ndef trial(*_, **__):\n    return {'x': ARMS['a']}\n"}, "claims", "Rule('x'", "Rule('y'"),
    "docstrings, comments and layout": ({"claims": 'class A:\n    """One."""\n    x = 1\n\n    def f(self):\n        """Two."""\n        return self.x  # three\ndef trial(*_, **__):\n    return {"x": A().f()}\n'}, "claims", '"""Two."""\n        return self.x  # three', "return (\n            self.x\n        )"),
}
REFUSED = [
    ("def trial(*_, **__):\n    return {'x': eval('1')}\n", "line 1: eval() runs code that is made while it runs"),
    ("import importlib\ndef trial(*_, **__):\n    name = 'os'\n    return importlib.import_module(name)\n", "has a name that only the run knows"),
    ("def trial(*_, **__):\n    from importlib import import_module as get\n    return get(__name__)\n", "has a name that only the run knows"),
    ("import runpy\ndef trial(*_, **__):\n    return runpy.run_path('x.py')\n", "runpy.run_path finds code while it runs"),
    ("class A:\n    pass\ndef f():\n    return A.__subclasses__()\ndef trial(*_, **__):\n    return f()\n", "A.__subclasses__ finds code while it runs"),
    ("space = {}\nexec('def trial(*_, **__): return {}', space)\ntrial = space['trial']\n", "the code of trial is not in a file"),
]
# fmt: on


@pytest.mark.parametrize("kind", IN_PLACE | IMPORTED | TRIALS)
def test_a_change_that_alters_the_result_alters_the_fingerprint(room: Room, kind: str) -> None:
    files, changed, old, new = (IN_PLACE | IMPORTED | TRIALS)[kind]
    assert old in files[changed]
    number, code = room(**files)
    other_number, other_code = room(**(files | {changed: files[changed].replace(old, new)}))
    assert number != other_number, "the example shows nothing"
    assert code.fingerprint != other_code.fingerprint


@pytest.mark.parametrize("kind", NEIGHBOURS)
def test_a_change_beside_what_is_reached_leaves_the_fingerprint_alone(room: Room, kind: str) -> None:
    files, changed, old, new = NEIGHBOURS[kind]
    assert old in files[changed]
    number, code = room(**files)
    other_number, other_code = room(**(files | {changed: files[changed].replace(old, new)}))
    assert number == other_number
    assert code.fingerprint == other_code.fingerprint


@pytest.mark.parametrize(("text", "said"), REFUSED)
def test_what_cannot_be_followed_is_refused_by_name(room: Room, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"^tiny_room\.claims\.claim: ") as error:
        room(claims=text)
    assert said in str(error.value)


def test_the_values_of_arms_are_followed(room: Room) -> None:
    """Functions, classes and what they refer to, within dataclasses, containers and partials too."""
    text = """
        from dataclasses import dataclass
        from functools import partial
        K = 1
        def one():
            return K
        class Two:
            def two(self):
                return 2
        @dataclass(frozen=True)
        class Setting:
            made: object
        VALUES = {"function": one, "class": Two, "within": Setting((one, {"a": [Two]})), "partial": partial(one)}
        def trial(*_, **__):
            return {"x": 1}
        """

    def fingerprints(text: str) -> dict[str, str]:
        room(claims=textwrap.dedent(text))
        module = sys.modules["tiny_room.claims"]
        return {
            name: reached_code.code_of("tiny_room.claims", module.trial, [value]).fingerprint
            for name, value in module.VALUES.items()
        }

    before = fingerprints(text)
    constant, method = fingerprints(text.replace("K = 1", "K = 3")), fingerprints(text.replace("return 2", "return 3"))
    assert {name for name in before if before[name] != constant[name]} == {"function", "within", "partial"}
    assert {name for name in before if before[name] != method[name]} == {"class", "within"}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_constant_counts_just_where_it_is_reached(room: Room, data: st.DataObject) -> None:
    """A random graph of functions over three modules, each with a constant, of which one changes."""
    names = [f"f{number}" for number in range(9)]
    calls = {
        name: data.draw(st.lists(st.sampled_from(names[place:]), unique=True, max_size=3)) if names[place:] else []
        for place, name in enumerate(names, start=1)
    }
    module_of = {name: f"m{place % 3}" for place, name in enumerate(names)}
    changed = data.draw(st.sampled_from(names))

    def files(constants: dict[str, int]) -> dict[str, str]:
        texts = dict.fromkeys(("m0", "m1", "m2"), "")
        for name in names:
            imports = "".join(f"    from .{module_of[one]} import {one}\n" for one in calls[name])
            total = " + ".join([f"C{name}", *(f"{one}()" for one in calls[name])])
            texts[module_of[name]] += f"C{name} = {constants[name]}\ndef {name}():\n{imports}    return {total}\n"
        return {**texts, "claims": "from .m0 import f0\ndef trial(*_, **__):\n    return {'x': f0()}\n"}

    plain = dict.fromkeys(names, 1)
    number, code = room(**files(plain))
    other, other_code = room(**files(plain | {changed: 2}))
    assert (number != other) == (code.fingerprint != other_code.fingerprint)


@pytest.mark.parametrize(
    ("text", "module", "reached"),
    [
        ("def run():\n    data.load('block-model')\n", "graphs", True),
        ("def run():\n    data.load('digits')\n", "images", True),
        ("def run():\n    data.load('digits')\n", "graphs", False),
        ("def run(name='webkb'):\n    data.load(f'webkb/{name}')\n", "graphs", True),
        ("def run(name='webkb'):\n    data.load(f'webkb/{name}')\n", "images", False),
        ("def run(name=None):\n    data.load(name)\n", "graphs", True),
        ("def run(name=None):\n    data.load(name)\n", "text", True),
        ("from paperwright.data.graph_pairs import atlas_graphs as run\n", "graph_pairs", True),
        ("def run():\n    data.graph_pairs.atlas_graphs(5)\n", "graph_pairs", True),
        ("def run():\n    data.load('mnist')\n", "stored", False),
        ("def run():\n    data.load('mnist')\n", "origin", False),
    ],
)
def test_what_loading_a_data_set_makes_counts_and_how_it_is_read_does_not(
    room: Room, text: str, module: str, reached: bool
) -> None:
    claims = f"from paperwright import data\n{text}\ndef trial(*given, **_):\n    return {{'x': run() if not given else 1}}\n"
    assert (f"paperwright.data.{module}" in room(claims=claims)[1].modules) is reached


@pytest.mark.parametrize("path", ["esan/dss_wl/above-1wl", "tensor_language/bound_is_attained"])
def test_a_changed_generator_of_graphs_makes_its_claims_stale(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The atlas of graphs, which these claims use without naming a data set that they need."""
    (entry,) = catalogue.select([path])
    reached_code.forget()
    before = reached_code.code_of(entry.module, entry.claim).fingerprint
    read_text = Path.read_text

    def edited(path: Path, *arguments: str, **options: str) -> str:
        text = read_text(path, *arguments, **options)
        return (
            text.replace("len(graph) == nodes", "len(graph) == min(nodes, 5)") if "graph_pairs" in path.name else text
        )

    monkeypatch.setattr(Path, "read_text", edited)
    reached_code.forget()
    changed = reached_code.code_of(entry.module, entry.claim).fingerprint
    monkeypatch.undo()
    reached_code.forget()
    assert changed != before


def test_every_claim_of_the_house_can_be_followed() -> None:
    found = [entry for room in registry().rooms() for entry in catalogue.entries(room) if room.built_in]
    codes = [reached_code.code_of(entry.module, entry.claim) for entry in found]
    assert all(code.definitions > 5 for code in codes)
