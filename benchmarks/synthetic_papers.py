"""Papers that nobody wrote, as many as wanted: texts whose words are spread as those of real abstracts are.

Words have Zipf-Mandelbrot frequencies, p(rank) ~ 1 / (rank + 2.7)^1.07 (Mandelbrot 1953, with constants usual for
English), the commonest being English function words. Each paper has one of some hundred topics, whose own words make up
a third of its text, so that papers have neighbours. The same seed gives the same papers on every machine.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np

FUNCTION_WORDS = [
    *(
        "the",
        "of",
        "and",
        "to",
        "a",
        "in",
        "we",
        "is",
        "for",
        "that",
        "with",
        "on",
        "this",
        "by",
        "as",
        "are",
        "our",
        "from",
    ),
    *(
        "an",
        "be",
        "which",
        "can",
        "it",
        "model",
        "data",
        "learning",
        "method",
        "results",
        "show",
        "using",
        "based",
        "at",
    ),
    *(
        "or",
        "these",
        "have",
        "approach",
        "such",
        "not",
        "also",
        "training",
        "propose",
        "more",
        "than",
        "between",
        "has",
    ),
    *("performance", "their", "over", "however", "problem", "most", "paper", "both", "existing", "new", "via", "while"),
    *("each", "when", "into", "task", "tasks", "state", "art"),
]
_ONSETS = [*"bcdfghklmnprstv", "br", "cl", "dr", "gr", "pl", "pr", "st", "str", "tr"]
_VOWELS = [*"aeiou", "ea", "io"]
_CODAS = ["", "n", "r", "l", "s", "m", "t", "nd", "st", "x"]
WORDS = 60_000
TOPICS = 400
SHORT, LONG = 12, 110
"""Words of an abstract: a long one is that of a conference's paper, a short one that of a million records."""


def vocabulary(size: int = WORDS) -> list[str]:
    """Pronounceable words, all different, the short ones first as the common words of a language are."""
    random = np.random.default_rng(20220425)
    found = dict.fromkeys(FUNCTION_WORDS)
    while len(found) < size:
        syllables = 2 + (len(found) > 2_000) + (random.random() < 0.3)
        letters = [
            part
            for _ in range(syllables)
            for part in (_ONSETS[random.integers(len(_ONSETS))], _VOWELS[random.integers(len(_VOWELS))])
        ]
        found.setdefault("".join(letters) + _CODAS[random.integers(len(_CODAS))])
    return list(found)


def synthetic_texts(count: int, words: int, seed: int = 0) -> Iterator[tuple[str, str, int]]:
    """(title, abstract, topic) of each paper; a title has 5 to 10 words, few of them function words."""
    known = np.array(vocabulary(), dtype=object)
    weights = 1 / (np.arange(len(known)) + 1 + 2.7) ** 1.07
    common = np.cumsum(weights / weights.sum())
    content = np.cumsum(weights[len(FUNCTION_WORDS) :] / weights[len(FUNCTION_WORDS) :].sum())
    random = np.random.default_rng([20220425, seed])
    topic_words = len(FUNCTION_WORDS) + random.integers(0, 12_000, size=(TOPICS, 150))
    within = np.cumsum((1 / np.arange(1, 151)) / (1 / np.arange(1, 151)).sum())
    for start in range(0, count, 5_000):
        batch = min(5_000, count - start)
        topics = random.integers(0, TOPICS, size=batch)
        titles = len(FUNCTION_WORDS) + np.searchsorted(content, random.random((batch, 10)))
        abstracts = np.searchsorted(common, random.random((batch, words)))
        for drawn, share in ((titles, 0.5), (abstracts, 1 / 3)):
            mine = random.random(drawn.shape) < share
            places = np.searchsorted(within, random.random(drawn.shape))
            drawn[mine] = topic_words[topics[:, None], places][mine]
        lengths = random.integers(5, 11, size=batch)
        for title, length, abstract, topic in zip(titles, lengths, abstracts, topics, strict=True):
            yield " ".join(known[title[:length]]), " ".join(known[abstract]), int(topic)


def queries(titles: Sequence[str], count: int, seed: int = 1) -> list[tuple[str, int]]:
    """Known-item queries: three words of a title, and which paper it is."""
    random = np.random.default_rng([20220425, seed])
    common = set(FUNCTION_WORDS)
    found: list[tuple[str, int]] = []
    while len(found) < count:
        place = int(random.integers(len(titles)))
        words = re.findall(r"[A-Za-z0-9]{3,}", titles[place])
        telling = [word for word in words if word.lower() not in common]
        if len(telling) >= 4:
            found.append((" ".join(random.choice(telling, size=3, replace=False)), place))
    return found
