"""Texts for searching: which fields of a paper are searched, and the tokens that words become.

Matching is blind to case, accents, plural, suffix and British or American spelling; what is shown keeps its spelling.
Marks that belong to a name are kept: C++, C#, A*, O(n). A run of Chinese, Japanese or Korean, which has no spaces, is
searched by its pairs of neighbouring characters (Lucene's CJKAnalyzer does so).
"""

import functools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from .orthography import one_spelling
from .paper import Paper

# Words too common to tell papers apart. Short on purpose: "we", "show" and "novel" are left to the idf.
STOP_WORDS = frozenset(
    """a about above after again all also am an and any are as at be because been before being below between both but by
    can could did do does doing down during each few for from further had has have having he her here hers him his how i
    if in into is it its itself just me more most my no nor not now of off on once only or other our ours out over own
    per same she should so some such than that the their theirs them then there these they this those through to too
    under until up us very via was we were what when where which while who whom why will with within without would you
    your yours""".split()  # noqa: SIM905 -- words are read as words
)

SYNONYMS: Mapping[str, str] = {
    "gnn": "graph neural network",
    "gnns": "graph neural network",
    "gcn": "graph convolutional network",
    "rl": "reinforcement learning",
    "marl": "multi agent reinforcement learning",
    "llm": "large language model",
    "llms": "large language model",
    "nlp": "natural language processing",
    "cnn": "convolutional neural network",
    "cnns": "convolutional neural network",
    "rnn": "recurrent neural network",
    "rnns": "recurrent neural network",
    "gan": "generative adversarial network",
    "gans": "generative adversarial network",
    "vae": "variational autoencoder",
    "vaes": "variational autoencoder",
    "ssl": "self supervised learning",
    "nas": "neural architecture search",
    "vit": "vision transformer",
    "ood": "out of distribution",
    "dp": "differential privacy",
    "fl": "federated learning",
    "ntk": "neural tangent kernel",
    "vqa": "visual question answering",
    "nmt": "neural machine translation",
    "asr": "automatic speech recognition",
    "mcmc": "markov chain monte carlo",
    "ode": "ordinary differential equation",
    "pde": "partial differential equation",
}
"""Acronyms and what they stand for, to which a library adds its own (`synonyms`). A query for one finds both."""

WORD = re.compile(
    r"(?<![^\W_])[oO]\([^()\n]{1,30}\)"  # O(n log n)
    r"|(?<![^\W_])[^\W\d_][_^]\{?[^\W_]+\}?"  # L_0, x^{2}
    r"|[^\W_]+(?:-[^\W_]+)*(?:\+\+(?!\+)|[*#](?![\w*]))?"  # letters and digits of any script; C++, A*, C#
)
"""A word of a text as it is written, with the marks that belong to it."""
_MATHEMATICS = re.compile(r"\$([^$]{0,500})\$")
_FONT = re.compile(r"\\(?:math[a-z]+|operatorname|text[a-z]*)(?![a-z])")
_INDEXED = re.compile(r"(?<![^\W_])([^\W\d_])[_^]\{?([^\W_]+)\}?")
_UNSPACED = re.compile(
    "([\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+)"
)
_ENDINGS = ("ings", "ing", "ies", "ied", "ers", "ed", "er", "es", "ly", "s")
_DOUBLING = ("ings", "ing", "ers", "ed", "er")  # before these a consonant is doubled


def folded_for_matching(text: str) -> str:
    """The text as it is matched: compatibility forms and accents resolved, lower case, LaTeX's marks taken out."""
    if "$" in text:
        text = _MATHEMATICS.sub(lambda found: f" {_plain_mathematics(found[1])} ", text)
    if "_" in text or "^" in text:
        text = _INDEXED.sub(r"\1\2", text)
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    bare = "".join(one for one in decomposed if not unicodedata.combining(one))
    return unicodedata.normalize("NFC", bare).casefold()  # Korean syllables are put together again


def _plain_mathematics(formula: str) -> str:
    return re.sub(r"[{}\\_^]", "", _FONT.sub("", formula).replace("\\ell", "l"))


def tokens(text: str) -> list[str]:
    """The terms of a text: stems of its words, without stop words.

    A compound with hyphens gives its parts and the whole, joined: "self-supervised" is `self`, `supervis` and
    `selfsupervis`. A longer name with marks is found without them too: "PointNet++" is `pointnet` and `pointnet++`.
    """
    return [term for word in WORD.findall(folded_for_matching(text)) for term in _terms_of_word(word)]


def typed_terms(text: str) -> list[tuple[str, str]]:
    """The terms of a text, each with the folded word that it was made of."""
    return [pair for word in WORD.findall(folded_for_matching(text)) for pair in _spelled_terms(word)]


@functools.lru_cache(maxsize=200_000)
def _terms_of_word(word: str) -> tuple[str, ...]:
    return tuple(term for term, _ in _spelled_terms(word))


def _spelled_terms(word: str) -> list[tuple[str, str]]:
    """The terms of a folded word as `WORD` finds it, each with its spelling."""
    if word[-1] == ")":
        return [("o(" + re.sub(r"[\s\\{}^_]", "", word[2:-1]) + ")", word)]
    bare = word.rstrip("+*#")
    marks = word[len(bare) :]
    parts = bare.split("-")
    if marks and len(bare) == 1:
        return [(word, word)]
    found = [term for part in parts for term in _terms_of_part(part)]
    joined = "".join(parts)
    if len(parts) > 1:
        found.append((stem(joined), joined))
    if marks == "++" or (marks == "*" and len(bare) <= 4):
        found.append((joined + marks, joined + marks))
    return found


def _terms_of_part(part: str) -> list[tuple[str, str]]:
    if part.isascii():
        return [(stem(part), part)] if part not in STOP_WORDS else []
    found: list[tuple[str, str]] = []
    for run in filter(None, _UNSPACED.split(part)):
        if _UNSPACED.match(run):
            pairs = [run[at : at + 2] for at in range(max(1, len(run) - 1))]
            found += zip(pairs, pairs, strict=True)
        else:
            found.append((stem(run), run))
    return found


def words(text: str) -> list[str]:
    """The words of a text as they are typed, folded; compounds are split, and runs without spaces into characters."""
    return [one for word in WORD.findall(folded_for_matching(text)) for one in _parts_of(word)]


@functools.lru_cache(maxsize=200_000)
def _parts_of(word: str) -> tuple[str, ...]:
    if word[-1] == ")" or (len(word) == 2 and word[-1] in "*#") or (len(word) == 3 and word[1:] == "++"):
        return ("".join(word.split()),)
    found: list[str] = []
    for part in word.rstrip("+*#").split("-"):
        pieces = [part] if part.isascii() else _UNSPACED.split(part)
        found += [one for piece in pieces if piece for one in (piece if _UNSPACED.match(piece) else [piece])]
    return tuple(found)


def compounds(text: str) -> list[str]:
    """The folded words of a text that have hyphens in them."""
    return [word for word in WORD.findall(folded_for_matching(text)) if "-" in word]


def sequence(text: str) -> tuple[str, ...]:
    """The stems of all words in their order, compounds split, stop words kept: what phrases are compared by."""
    return tuple(stem(word) for word in words(text))


@functools.lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """A word without its plural, its participle and the commonest suffixes; never shorter than four letters.

    Light on purpose: it joins "networks" to "network" and "learned" to "learning", and leaves "generative" apart from
    "generation".
    """
    if len(word) < 4 or not word.isalpha():
        return word
    word = one_spelling(word)
    if len(word) == 4:
        return word[:-1] if word[-1] == "s" and word[-2] not in "aisu" else word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4 and not word.endswith(("ss", "us", "is", "as")):
            word = word[: -len(ending)] + ("y" if ending in ("ies", "ied") else "")
            if ending in _DOUBLING and word[-1] == word[-2] and word[-1] not in "aeilosuz":
                word = word[:-1]  # "running" -> "runn" -> "run"
            break
    if len(word) > 5 and word.endswith("ll"):  # "modelling" -> "modell" -> "model"; "distill" is "distil"
        return word[:-1]
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def expanded(query_tokens: Sequence[str], synonyms: Mapping[str, str] = SYNONYMS) -> list[str]:
    """The tokens, and for each acronym among them those of what it stands for."""
    found = list(query_tokens)
    for token in query_tokens:
        if meaning := synonyms.get(token):
            found += [one for one in tokens(meaning) if one not in found]
    return found


def trigrams(word: str) -> list[str]:
    """The character trigrams of #word#."""
    framed = f"#{word}#"
    return [framed[at : at + 3] for at in range(len(framed) - 2)]


def lexical_text(paper: Paper) -> str:
    """What the lexical legs search: title three times, keywords twice, authors, TL;DR and abstract."""
    keywords = " ; ".join(paper.keywords)
    return _joined([*[paper.title] * 3, *[keywords] * 2, ", ".join(paper.authors), paper.tldr, paper.abstract])


def dense_text(paper: Paper) -> str:
    """What an encoder is given: the title, then TL;DR and abstract, or the keywords where both are missing."""
    rest = " ".join(filter(None, [paper.tldr, paper.abstract])) or "; ".join(paper.keywords)
    return f"{paper.title}. {rest}".strip() if rest else paper.title


def _joined(parts: Iterable[str]) -> str:
    return "\n".join(part for part in parts if part)
