"""The names of paperwright's own commands, with the line of each for `--help`; no room may bear one of them."""

ENGINE = {
    "check": "Try a paper's claims on this machine, or on a cluster, and say which hold.",
    "demo": "Check a claim of one paper of each wing, offline, in less than four minutes, and write the report.",
    "report": "Write a self-contained HTML report of what is recorded.",
    "verify": "Say which recorded evidence no longer fits the code, the claims or the data.",
    "renew": "Run a sample of stale evidence again after its code changed, and stamp it where every number is equal.",
    "export": "Write what is recorded as JSON, CSV or Markdown; the evidence files; or the README's table.",
    "merge": "Take in records made on another machine, a GPU or a cluster: with their provenance, none twice.",
}
"""The commands of `paperwright.claims.commands` with the first lines of their docstrings."""

NAVIGATOR = {
    "find": "Find papers by words, meaning and filters, and say why each was found.",
    "similar": "Find papers that are like one.",
    "sync": "Bring a source's papers into the library; stopped or killed, it goes on where it was.",
    "map": "Draw the papers as a map on which neighbours are alike, in one HTML file, and name its topics.",
    "stats": "Say a conference in numbers: submissions, decisions, ratings over time, topics.",
    "digest": "Pick what is worth reading of a period, each paper with why, its key sentence and its links.",
    "tag": "Keep reading lists, and find what belongs on them.",
    "duplicates": "List papers that are in the library twice, and join them when asked.",
    "doctor": "Check a library's files, index, encoder and counts, and say what to do about what is wrong.",
    "rebuild": "Make a library's encoder, vectors and index anew from its records.",
}
"""The commands of `paperwright.navigator.commands`, likewise."""

WEB = {"serve": "Open the library in a browser."}
"""The command of `paperwright.web.commands`, likewise."""

RESERVED = frozenset({"list", "show", "new", *ENGINE, *NAVIGATOR, *WEB})
"""All of them, those of `paperwright.cli` first."""
