"""The ranking of a query: what was asked for by name, then the legs' papers under the filter, fused into one order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .acronyms import LONGEST_ACRONYM, learned_acronyms
from .duplicates import keys_of
from .filters import Condition, Filter, columns_of, only_ids
from .fusion import Scale, convex, rrf
from .index import Explaining, Holding, Scored, Tallying
from .known_items import missing, possible_ids, titled
from .overview import newest, tally
from .paper import Paper
from .query import parsed
from .query_terms import RARE_WEIGHT
from .synonyms import spelled_out
from .text import WORD, expanded, lexical_text, tokens, typed_terms

if TYPE_CHECKING:
    from .library import Library

MODES = ("auto", "lexical", "dense", "convex", "rrf")
CANDIDATES = 200
"""How many papers each leg gives to fusion."""
TITLES_LOOKED_AT = 20
"""How many of the best papers by words may have the query for their title."""
MANY = 1_000
"""Papers from which on a plain long word that none of them has is likely of another language."""
SHORT = 4
"""Words of a query whose acronyms are spelled out; a longer one says itself what it is about."""
SPELLED_BY = 5
"""How many of the best papers are asked how they spell a word that was searched for."""
COUNTED = 300
"""How many papers with a phrase or an exclusion are counted by their columns: each has to be read."""
MOST_LOOKED_AT = 20_000
"""How many papers of a leg are looked at for phrases and exclusions before it is said that there may be more."""

OTHER_LANGUAGE = (
    "the embedded encoder knows the words of the library's papers only, and translates none: ask in their language, or "
    "make a library with a neural encoder of many languages"
)


class Place(NamedTuple):
    """A paper's place in a ranking; a smaller one is earlier. The tier is 0 for what was asked for by name, else 1."""

    tier: int
    negative: float
    id: str

    @property
    def score(self) -> float:
        return -self.negative


@dataclass
class Ranking:
    """Papers in order.

    Attributes:
        places: The first, in order; all of them if the ranking is `complete`.
        total: How many papers there are in it, so far as it was looked through.
        complete: Whether that was to its end.
        legs: For each leg the rank and score of its papers.
        reasons: Of papers that were asked for by name.
        terms: What the lexical leg looked for.
    """

    places: list[Place]
    total: int
    complete: bool = True
    legs: dict[str, dict[str, tuple[int, float]]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    terms: tuple[str, ...] = ()


class Leg(NamedTuple):
    """What a leg found that passes, best first, and whether there is no more."""

    found: list[Scored]
    complete: bool


class Question:
    """A query put to a library.

    Args:
        library: What is searched.
        query: As typed.
        where: A filter beside the query's own.
    """

    def __init__(self, library: "Library", query: str, where: Filter) -> None:
        self.library, self.query, self._given = library, query, where
        self._index = library.index  # one and the same all along, whatever is added meanwhile
        self.revision = library.index.revision
        self._asked = parsed(query)
        self.notes = list(self._asked.notes)
        self._where = where.also(*self._asked.conditions, *self._tags())
        terms = [term for words in self._asked.words if not words.negated for term in words.terms]
        if terms and isinstance(self._index, Holding):
            self._where = self._where.also(only_ids(self._index.holding(terms)))
        self._terms_typed = tokens(self._asked.text)
        self._text, note = spelled_out(self._asked.text, library.directory)
        self.notes += [note] if note else []
        self._text = self._with_acronyms(self._text)
        self._unknown: dict[str, str] = {}  # terms that no paper has, each with the word that was typed
        self._rare: list[str] = []  # words that hardly any paper has
        self._read: dict[str, Paper] = {}
        self._missing = False  # whether an id or a link was asked for that is not there
        self._vector: np.ndarray | None = None
        self._by_depth: dict[int, list[Scored]] = {}

    def ranking(self, mode: str, behind: Place | None, k: int) -> Ranking:
        """The ranking, so far that k papers stand behind a place, and one more if it goes on."""
        if identifier := self._identified():
            self.notes.clear()  # of a query that was read as words
            return Ranking([Place(0, -1.0, identifier)], 1, reasons={identifier: "its id"})
        if self._missing:
            return Ranking([], 0)
        if not self._terms_typed and (self._asked.words or not self._asked.text.strip()):
            return self._newest(behind, k)
        named = self._titled()

        def enough(found: Sequence[Scored]) -> bool:
            places = [Place(1, -one.score, one.id) for one in found if one.id not in named]
            return sum(behind is None or place > behind for place in places) > k

        mode = mode if mode != "auto" else "convex" if self.library.neural else "lexical"
        self._vector = vector = None if mode == "lexical" else self._encoded()
        terms = self._terms()
        if vector is None or mode == "lexical":
            legs = {"words": self._leg(self._by_words, enough)}
            leg = legs["words"]
        elif mode == "dense":
            legs = {"meaning": self._meaning(vector, enough)}
            leg = legs["meaning"]
        else:
            legs, leg = self._fused(mode, vector)
        scores = dict(leg.found)
        places = [Place(0, -scores.get(one, 0.0), one) for one in named]
        places += [Place(1, -one.score, one.id) for one in leg.found if one.id not in named]
        ranks = {
            name: {one.id: (rank, one.score) for rank, one in enumerate(each.found, start=1)}
            for name, each in legs.items()
        }
        ranking = Ranking(sorted(places), len(places), leg.complete, ranks, dict.fromkeys(named, "its title"), terms)
        self._note_words(ranking)
        return ranking

    def facets(self, ranking: Ranking) -> dict[str, dict[str, int]]:
        """How many papers of the whole ranking have each value of a column; its `total` is exact afterwards.

        A ranking by words is counted to its end without being listed. One of phrases or exclusions is looked through
        until `COUNTED` papers are found; a fused one ends with what it lists, and one by meaning holds all that pass.
        """
        if not ranking.places:
            return {}
        by_words, index = set(ranking.legs) == {"words"}, self._index
        if not self._asked.words and by_words and not ranking.complete and isinstance(index, Tallying):
            ranking.total, ranking.complete = index.matches(self._text, self._where), True
            return tally(self.library, self._where, query=self._text)
        if not self._asked.words and not by_words and not ranking.reasons and len(ranking.legs) < 2:
            return tally(self.library, self._where)
        found = [place.id for place in ranking.places]
        if not ranking.complete:
            leg = self._whole(ranking)
            found = [one.id for one in leg.found]
            ranking.total, ranking.complete = len(found), leg.complete
        return tally(self.library, Filter(), found)

    def _whole(self, ranking: Ranking) -> Leg:
        """The leg of a ranking, looked through as deep as it is counted."""

        def plenty(found: Sequence[Scored]) -> bool:
            return len(found) >= COUNTED

        if self._vector is not None and "meaning" in ranking.legs:
            return self._meaning(self._vector, plenty)
        if ranking.legs:
            return self._leg(self._by_words, plenty)
        return self._leg(self._dated, plenty)

    def _with_acronyms(self, text: str) -> str:
        """The text with what the papers say that its acronyms stand for before it, unless it says so itself."""
        terms = [] if len(self._terms_typed) > SHORT else self._terms_typed
        if not any(1 < len(term) <= LONGEST_ACRONYM and term.isalpha() for term in terms):
            return text
        known, there = learned_acronyms(self.library), set(tokens(text))
        meanings = {term: known[term] for term in terms if term in known and not there.issuperset(tokens(known[term]))}
        self.notes += [f"{term.upper()} is also searched as {meaning}" for term, meaning in meanings.items()]
        return " ".join([*meanings.values(), text])

    def papers(self, ids: Sequence[str]) -> dict[str, Paper]:
        """The papers of some ids, in this order, each read once; those that are not there are left out."""
        self._read |= self.library.many([one for one in ids if one not in self._read])
        return {one: self._read[one] for one in ids if one in self._read}

    # -- what was asked for --------------------------------------------------------------------------------------------

    def _tags(self) -> list[Condition]:
        conditions = [only_ids(self._under(names)) for names in self._asked.tags]
        if self._asked.without_tags:
            conditions.append(only_ids(self._under(self._asked.without_tags), negated=True))
        return conditions

    def _under(self, names: Sequence[str]) -> list[str]:
        known = self.library.tags()
        self.notes += [f"no paper is under the tag {name!r:.80}" for name in names if name not in known]
        return [one for name in names if name in known for one in self.library.tagged(name)]

    def _identified(self) -> str | None:
        """The paper whose id or link the query is."""
        names = possible_ids(self.query)
        found = self.library.many(names)
        if not found and (said := missing(self.query)):
            known = self.library.derived("papers by other ids", self._by_other_ids)
            found = self.library.many([known[name.lower()] for name in names if name.lower() in known])
            if not found:
                self._missing = True
                self.notes[:] = [said]
        return next((one for one, paper in found.items() if self._given.holds(columns_of(paper))), None)

    def _by_other_ids(self) -> dict[str, str]:
        """The paper that each DOI, arXiv id and forum belongs to."""
        return {
            key.removeprefix("forum:").lower(): paper.id
            for paper in self.library.papers()
            for key in keys_of(paper)
            if key.startswith(("doi:", "arxiv:", "forum:"))
        }

    def _titled(self) -> list[str]:
        """The papers whose title is the whole query, of which nothing is a mark of the query language then."""
        if self.query == self._text and self._given == self._where:
            best = self._by_words(CANDIDATES)[:TITLES_LOOKED_AT]
        else:
            best = self._index.lexical(self.query, TITLES_LOOKED_AT, self._given)
        return titled(self.query, self.papers([one.id for one in best]).values())

    def _note_words(self, ranking: Ranking) -> None:
        """Says which words were taken for typing errors or passed over, in words of the papers that were found."""
        if not (self._unknown or self._rare):
            return
        spelled: dict[str, str] = {}
        for paper in self.papers([place.id for place in ranking.places[:SPELLED_BY]]).values():
            for term, word in typed_terms(lexical_text(paper)):
                spelled.setdefault(term, word)
        typed = {*self._terms_typed, *expanded(self._terms_typed)}
        instead = dict.fromkeys(spelled[term] for term in ranking.terms if term not in typed and term in spelled)
        searched = f"; searched for {', '.join(instead)}" if instead else ""
        for said, which in (("no paper", self._unknown.values()), ("hardly any paper", self._rare)):
            if which:
                self.notes.append(f"{said} has {', '.join(dict.fromkeys(which))[:200]}{searched[:200]}")
        if not self.library.neural and len(self._unknown) == len(set(self._terms_typed)):
            foreign = [one for one in self._unknown.values() if not one.isascii() or len(self.library) >= MANY]
            words = [one for one in foreign if one.isalpha() and (len(one) > 5 or not one.isascii())]
            if isinstance(self._index, Explaining) and not all(self._index.terms(f"{word} ") for word in words):
                self.notes.append(OTHER_LANGUAGE)

    def _terms(self) -> tuple[str, ...]:
        """What words are looked for."""
        typed = self._terms_typed
        if not typed:
            self.notes.append("there is no word to search for, only marks or words that every paper has")
        if not isinstance(self._index, Explaining):
            return tuple(dict.fromkeys(typed))
        weights = self._index.terms(self._text)
        terms = tuple(weights)
        spelled = {term: word for word in WORD.findall(self._asked.text) for term in tokens(word)}
        self._unknown = {term: spelled.get(term, term) for term in typed if term not in weights}
        self._rare = [spelled.get(term, term) for term in typed if weights.get(term) == RARE_WEIGHT]
        if typed and typed[-1] in self._unknown and any(term.startswith(typed[-1]) for term in terms):
            self._unknown.pop(typed[-1])  # it may be on its way
        return terms

    # -- legs ----------------------------------------------------------------------------------------------------------

    def _by_words(self, depth: int) -> list[Scored]:
        if depth not in self._by_depth:
            self._by_depth[depth] = self._index.lexical(self._text, depth, self._where)
        return self._by_depth[depth]

    def _meaning(self, vector: np.ndarray, enough: Callable[[Sequence[Scored]], bool]) -> Leg:
        """The nearest papers by meaning.

        Where words must stand in them, those are among what is found by words: only they are compared then, instead of
        all papers being looked at for the words.
        """
        where = self._where
        if any(not words.negated for words in self._asked.words):
            holding = self._leg(self._by_words, lambda _: False)
            if holding.complete:
                where = where.also(only_ids([one.id for one in holding.found]))
        return self._leg(lambda depth: self._index.dense(vector, depth, where), enough)

    def _encoded(self) -> np.ndarray | None:
        """The unit vector of what is asked; None if the encoder knows nothing of it."""
        encoder = self.library.encoder
        encode = getattr(encoder, "encode_query", encoder.encode)
        (vector,) = encode([self._asked.text.strip()])
        if not np.any(vector):
            self.notes.append("the encoder knows none of the words; searched by words alone")
            return None
        return np.asarray(vector, dtype=np.float32)

    def _leg(self, find: Callable[[int], list[Scored]], enough: Callable[[Sequence[Scored]], bool]) -> Leg:
        """What `find` finds that passes, as deep as is needed for enough."""
        depth = CANDIDATES
        passed: dict[str, Scored] = {}
        looked_at: set[str] = set()
        while True:
            found = find(depth)
            fresh = [one for one in found if one.id not in looked_at]
            looked_at.update(one.id for one in fresh)
            passed |= {one.id: one for one in self._passing(fresh)}
            if len(found) < depth or enough(list(passed.values())):
                return Leg(list(passed.values()), len(found) < depth)
            if self._asked.words and depth >= MOST_LOOKED_AT:
                self.notes.append(f"{len(looked_at):,} papers were looked at; there may be more")
                return Leg(list(passed.values()), False)
            depth = min(4 * depth, MOST_LOOKED_AT) if self._asked.words else 4 * depth

    def _passing(self, found: Sequence[Scored]) -> list[Scored]:
        if not self._asked.words:
            return list(found)
        papers = self.library.many([one.id for one in found])
        return [
            one for one in found if one.id in papers and all(words.hold(papers[one.id]) for words in self._asked.words)
        ]

    def _fused(self, mode: str, vector: np.ndarray) -> tuple[dict[str, Leg], Leg]:
        """The best of both legs in one order; it ends with them.

        Scores are put on one scale by the best of the whole library, not of the papers that pass the filter: so a
        filter takes papers out of the ranking and does not change their order.
        """

        def plenty(found: Sequence[Scored]) -> bool:
            return len(found) >= CANDIDATES

        words = Leg(self._leg(self._by_words, plenty).found[:CANDIDATES], True)
        meaning = Leg(self._meaning(vector, plenty).found[:CANDIDATES], True)
        legs = {"words": words, "meaning": meaning}
        if mode == "rrf":
            return legs, Leg(rrf(*([one.id for one in leg.found] for leg in legs.values())), True)
        lexical, dense = self._completed(words.found, meaning.found, vector)
        scale = None
        if self._where or self._asked.words:
            best = self._index.lexical(self._text, CANDIDATES, Filter())
            near = self._index.dense(vector, CANDIDATES, Filter())
            scale = Scale.of(*self._completed(best, near, vector))
        return legs, Leg(convex(lexical, dense, scale=scale), True)

    def _completed(
        self, words: Sequence[Scored], meaning: Sequence[Scored], vector: np.ndarray
    ) -> tuple[dict[str, float], dict[str, float]]:
        """The scores by each leg of the papers that either leg found."""
        lexical, dense = dict(words), dict(meaning)
        if missing := [one for one in lexical if one not in dense]:
            dense |= zip(missing, map(float, self._index.vectors(missing) @ vector), strict=True)
        if missing := [one for one in dense if one not in lexical]:
            lexical |= dict(self._index.lexical(self._text, len(missing), Filter((only_ids(missing),))))
        return lexical, dense

    # -- without words -------------------------------------------------------------------------------------------------

    def _dated(self, depth: int) -> list[Scored]:
        return newest(self.library, self._index, depth, self._where)

    def _newest(self, behind: Place | None, k: int) -> Ranking:
        def enough(found: Sequence[Scored]) -> bool:
            return sum(behind is None or Place(1, -one.score, one.id) > behind for one in found) > k

        leg = self._leg(self._dated, enough)
        places = [Place(1, -one.score, one.id) for one in leg.found]
        counted = not self._asked.words
        total = self._index.count(self._where) if counted else len(places)
        return Ranking(places, total, counted or leg.complete)
