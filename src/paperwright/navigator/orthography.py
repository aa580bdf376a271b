"""One spelling of words that are written in two ways, so that British and American authors are found alike.

The rules work on folded words before their endings go. Where both spellings are regular the rule is general (-ise and
-ize, -yse and -yze, -elling and -eling); where it would meet other words ("four", "source") the words are listed.
"""

import re

_GENERAL = re.compile(r"(?<=[a-z]{3})iz(?=e|ing|ation|abl|$)|(?<=[a-z]{2})yz(?=e|ing|$)")
_ENDING = "(?=s|ed|ing|al|ful|hood|ite|able|ist|er|$)"
_LISTED: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (
            r"(behavi|col|fav|flav|harb|hon|hum|lab|neighb|od|rig|rum|sav|savi|splend|tum|val|vap|vig|endeav|arm|parl)our"
            + _ENDING,
            r"\1or",
        ),
        (r"\b(cent|fib|theat|calib|lit|spect|(?:[a-z]*)met)re(?=s?$)", r"\1er"),
        (r"\bcent(?:red|ring)$", "centered"),
        (r"\b(def|off|lic|pret)ence", r"\1ense"),
        (r"\b(catal|dial|anal|monol|epil|prol)ogue(?=s?$)", r"\1og"),
        (r"\bgrey", "gray"),
        (r"\bartefact", "artifact"),
        (r"\bsceptic", "skeptic"),
        (r"\bprogramme(?=s?$)", "program"),
        (r"\b(judg|acknowledg)ement", r"\1ment"),
        (r"\bageing$", "aging"),
        (r"\blearnt$", "learned"),
        (r"\b(leuk|an|isch)aem", r"\1em"),
        (r"\bpaediatric", "pediatric"),
        (r"\banaesthe", "anesthe"),
        (r"\bhaem(?=o|a)", "hem"),
    )
)
_WORTH_A_LOOK = re.compile("our|re|ence|ogue|grey|efact|scep|mme|ement|geing|rnt$|ae|red$|ring$")


def one_spelling(word: str) -> str:
    """The word in the spelling that stands for both; most words as they are."""
    if "iz" in word or "yz" in word:
        word = _GENERAL.sub(lambda found: found[0][0] + "s", word)
    if _WORTH_A_LOOK.search(word):
        for pattern, replacement in _LISTED:
            word = pattern.sub(replacement, word)
    return word
