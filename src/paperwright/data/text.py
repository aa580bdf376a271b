"""Text: `.text` is one string; sets with splits have `.train.text` and so on."""

import os
import re
import subprocess
import sys
import sysconfig
import tokenize
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import cache
from .catalogue import register
from .content import Arrays, array_as_text, checksum_of_arrays, text_as_array
from .dataset import Fields, Info
from .embedded import Embedded
from .errors import DataUnavailable
from .origin import Hub, Web
from .parquet import strings
from .stored import Part, Stored


def plain_text(files: Sequence[Path]) -> Arrays:
    """UTF-8 files, one after the other."""
    return {"text": text_as_array("".join(file.read_text("utf-8") for file in files))}


def lines_of_table(files: Sequence[Path]) -> Arrays:
    """The hub's text tables: one line, with its line end, in each row of the column `text`."""
    return {"text": text_as_array("".join(line for file in files for line in strings(file, "text")))}


def whole(arrays: Mapping[str, Arrays]) -> dict[str, Any]:
    """The single part of a set as `.text`."""
    (part,) = arrays.values()
    return {"text": array_as_text(part["text"])}


def splits(arrays: Mapping[str, Arrays]) -> dict[str, Any]:
    """A field with `.text` for each split."""
    return {name: Fields({"text": array_as_text(split["text"])}) for name, split in arrays.items()}


def documents(texts: Mapping[str, str], limit: int | None) -> dict[str, Any]:
    """Documents with their names, and `.text`: all of them in a row, cut off after `limit` characters."""
    if limit is not None and limit < 1:
        raise ValueError(f"limit is a number of characters, at least 1; got {limit}")
    text = "\n".join(texts.values())[:limit]
    return {"text": text, "names": tuple(texts), "documents": tuple(texts.values())}


def python_stdlib(*, modules: Sequence[str] | None = None, limit: int | None = None) -> dict[str, Any]:
    """The source of the running Python's standard library, file by file, without its tests and generated tables.

    Args:
        modules: Top-level modules to take; all of them by default.
        limit: Cuts `.text` off after this many characters.
    """
    root = Path(sysconfig.get_path("stdlib"))
    chosen = sorted(sys.stdlib_module_names if modules is None else modules)
    if unknown := set(chosen) - sys.stdlib_module_names:
        raise ValueError(f"not in the standard library: {sorted(unknown)}; see sys.stdlib_module_names")
    skipped = {"test", "tests", "idle_test", "encodings", "__pycache__", "turtledemo"}
    texts: dict[str, str] = {}
    for module in chosen:
        folder, single = root / module, root / f"{module}.py"
        for file in [single] if single.is_file() else sorted(folder.rglob("*.py")):
            name = file.relative_to(root)
            if not skipped.intersection(name.parts):
                with tokenize.open(file) as source:  # honours the encoding that the file declares
                    texts[name.as_posix()] = source.read()
    if not texts:
        raise DataUnavailable(f"python-stdlib: {root} holds no source files; use a Python installed with its sources")
    return documents(texts, limit)


# Modules whose documentation is prose about an interface; none of them acts or draws when imported.
_DOCUMENTED = """
    abc argparse array ast asyncio base64 bisect calendar cmath codecs collections configparser contextlib copy csv
    dataclasses datetime decimal difflib dis doctest email enum fileinput fnmatch fractions functools getopt gettext
    glob graphlib gzip hashlib heapq html http imaplib inspect io ipaddress itertools json keyword linecache locale
    logging mailbox math mimetypes numbers operator os pathlib pdb pickle pickletools platform plistlib pprint profile
    queue random re sched secrets selectors shelve shlex shutil smtplib socket socketserver statistics string
    struct subprocess symtable tarfile tempfile textwrap threading time timeit tokenize traceback types typing unittest
    urllib.parse urllib.request uuid warnings wave weakref xml.dom.minidom xml.etree.ElementTree xmlrpc.client zipfile
    zoneinfo
"""
DOCUMENTED = tuple(_DOCUMENTED.split())
_RENDER = """
import importlib, pydoc, sys
for name in sys.argv[1:]:
    page = pydoc.render_doc(importlib.import_module(name), renderer=pydoc.plaintext)
    sys.stdout.buffer.write((page + "\\0").encode("utf-8", "replace"))
"""


def pydoc(*, modules: Sequence[str] = DOCUMENTED, limit: int | None = None) -> dict[str, Any]:
    """The documentation of standard-library modules, as `pydoc` prints it.

    Left out: the sections DATA and FILE and memory addresses, which tell of this machine and not of Python.

    Args:
        modules: The modules to document.
        limit: Cuts `.text` off after this many characters.
    """
    if unknown := {name for name in modules if name.partition(".")[0] not in sys.stdlib_module_names}:
        raise ValueError(f"not in the standard library: {sorted(unknown)}; see sys.stdlib_module_names")
    label = f"pydoc:{sys.version}:{','.join(modules)}"
    state = cache.state_of(label, [Path(sysconfig.get_path("stdlib"), "pydoc.py")])
    recalled = cache.recall(state)
    arrays = cache.read(recalled) if recalled else None
    if arrays is None:
        # A process of its own: what pydoc says of a class depends on what else was imported, and on hash seeds.
        printed = subprocess.run(
            [sys.executable, "-I", "-W", "ignore", "-c", _RENDER, *modules],
            env={"PYTHONHASHSEED": "0", "PATH": os.defpath},
            capture_output=True,
            check=False,
        )
        if printed.returncode:
            reason = printed.stderr.decode("utf-8", "replace").strip().splitlines()[-1]
            raise DataUnavailable(f"pydoc: the standard library cannot document itself here ({reason})")
        arrays = {"text": text_as_array(_without_machine(printed.stdout.decode("utf-8")))}
        checksum = checksum_of_arrays(arrays)
        cache.write(checksum, arrays)
        cache.remember(state, label, checksum)
    pages = array_as_text(arrays["text"]).split("\0")
    return documents(dict(zip(modules, pages, strict=True)), limit)


def _without_machine(pages: str) -> str:
    def clean(page: str) -> str:
        page = re.sub(r"^(DATA|FILE)\n(?:(?: .*)?\n)*", "", page, flags=re.MULTILINE)
        return re.sub(r" at 0x[0-9a-fA-F]+", "", page)

    return "\0".join(clean(page) for page in pages.split("\0")[:-1])


register(
    Embedded(
        Info(
            "python-stdlib",
            "The source of the running Python's standard library",
            licence="PSF-2.0",
            source=f"Python {sys.version_info.major}.{sys.version_info.minor}",
            embedded=True,
            note="Its content and its checksum follow the version of Python.",
        ),
        python_stdlib,
    )
)
register(
    Embedded(
        Info(
            "pydoc",
            "The documentation of the standard library, as pydoc prints it",
            licence="PSF-2.0",
            source=f"Python {sys.version_info.major}.{sys.version_info.minor}",
            embedded=True,
            note="Its content and its checksum follow the version of Python.",
        ),
        pydoc,
    )
)
register(
    Stored(
        Info(
            "tiny_shakespeare",
            "Forty thousand lines of Shakespeare's plays",
            sizes={"text": 1_115_394},
            licence="public domain",
            source="github.com/karpathy/char-rnn, data/tinyshakespeare",
        ),
        Web(
            {
                "karpathy/tiny_shakespeare/input.txt": "https://raw.githubusercontent.com/karpathy/char-rnn/"
                "d1d7aa34fdb3626174bce1d753e6cc6845ce7087/data/tinyshakespeare/input.txt"
            }
        ),
        {
            "text": Part.one(
                "karpathy/tiny_shakespeare/input.txt",
                "sha256:54acbb4c56fc1c90120774212d7e6ca4c6f06c86adb035e516bf9f761e500d51",
            )
        },
        plain_text,
        whole,
    )
)
WIKITEXT = "Salesforce/wikitext/wikitext-2-v1"
register(
    Stored(
        Info(
            "wikitext-2",
            "Good and featured articles of Wikipedia, tokenised, rare words as <unk>; sizes are lines",
            sizes={"train": 36_718, "validation": 3_760, "test": 4_358},
            licence="CC-BY-SA-3.0 and GFDL",
            source="huggingface.co/datasets/Salesforce/wikitext@b08601e04326c79dfdd32d625aee71d232d685c3",
            extra="hub",
            note="Copies without the train split load with the splits they have.",
        ),
        Hub("Salesforce/wikitext", "b08601e04326c79dfdd32d625aee71d232d685c3"),
        {
            "train": Part.one(f"{WIKITEXT}/train-00000-of-00001.parquet", optional=True),
            "validation": Part.one(
                f"{WIKITEXT}/validation-00000-of-00001.parquet",
                "sha256:11cfc61024f1cb6134ab8161618a76ae4da5feacc636ce992b71be83a98a35b2",
            ),
            "test": Part.one(
                f"{WIKITEXT}/test-00000-of-00001.parquet",
                "sha256:70f29fad23456c16590da29af17cbfda2218c043a304872ddefd70d3d528769c",
            ),
        },
        lines_of_table,
        splits,
        modules=("pyarrow",),
    )
)
