"""A recorded claim as its evidence file has it: read without any code of its room.

`evidence/<paper>.json` holds for each claim everything that is shown of it: the terms and when they were registered,
the verdict with its findings, every trial, and the context in which they ran. The terminal, the README, the report, the
documentation and the web page all show what is read here.
"""

import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from paperwright.claims.claim import Claim, Reported, units_of
from paperwright.claims.evidence.revision import Revision
from paperwright.claims.evidence.store import Record
from paperwright.claims.fingerprint.context import Context
from paperwright.claims.judgement import Judgement, trials_of
from paperwright.claims.rules.rule import Finding, Region
from paperwright.claims.trial import Outcome
from paperwright.claims.verdict import Verdict
from paperwright.registry import Room, UnknownPaper, registry
from paperwright.stats import Interval

FORMAT: Final = 2


class EvidenceError(ValueError):
    """An evidence file that cannot be read; the message names it."""

    exit_code = 4


@dataclass(frozen=True)
class Recorded:
    """A claim in an evidence file.

    Attributes:
        judgement: what it came to.
        context: what its numbers rest on.
        trials: each trial's arm, seed, numbers, error, start, time and peak memory; and how often it failed before, if
            it did.
        renewals: when a sample of its trials ran again on changed code with equal numbers, and which.
    """

    judgement: Judgement
    context: Context
    trials: tuple[Mapping[str, Any], ...]
    renewals: tuple[Mapping[str, Any], ...] = ()

    @property
    def name(self) -> str:
        return self.judgement.name


def recorded_claims(room: Room) -> dict[str, Recorded]:
    """The claims in a room's evidence file, by name; none if there is no file.

    Raises:
        EvidenceError: the file is not what the tool writes.
    """
    return read_evidence(room.evidence_path, room.name)


def read_evidence(path: Path, paper: str) -> dict[str, Recorded]:
    """The claims of an evidence file, by name; none if there is no file.

    Raises:
        EvidenceError: the file is not what the tool writes.
    """
    try:
        return dict(_read(path, paper, path.stat().st_mtime_ns))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise EvidenceError(f"cannot read {path}: {error.strerror or error}") from None


@functools.lru_cache(maxsize=64)
def _read(path: Path, paper: str, changed: int) -> dict[str, Recorded]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise EvidenceError(f"{path} has format {content['format']}, this paperwright reads {FORMAT}")
        return {
            claim["claim"]: _recorded(f"{paper}/{claim['claim']}", content["budget"], claim)
            for claim in content["claims"]
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, EvidenceError):
            raise
        raise EvidenceError(f"{path} is not an evidence file: {type(error).__name__}: {error}") from None


def recorded_revisions(paper: str, name: str) -> tuple[str, list[Revision]]:
    """The budget of a room's evidence file, and the revisions of a claim that it knows, the present one last.

    Raises:
        EvidenceError: there is a file, and it cannot be read: which seeds are spent is not known.
    """
    try:
        found = recorded_claims(registry().room(paper)).get(name)
    except UnknownPaper:
        found = None
    return ("", []) if found is None else (found.judgement.budget, [*found.judgement.earlier, found.judgement.revision])


def _recorded(path: str, budget: str, claim: Mapping[str, Any]) -> Recorded:
    outcomes = [
        (
            trial["arm"],
            trial["seed"],
            Outcome(
                trial["numbers"],
                trial["error"],
                None,
                trial["started"],
                trial["seconds"],
                trial["peak_memory"],
                claim["machines"][trial["machine"]],
            ),
        )
        for trial in claim["trials"]
    ]
    reported = tuple(Reported(**figure) for figure in claim["reported"])
    judgement = Judgement(
        path=path,
        budget=budget,
        revision=Revision(**claim["revision"]),
        verdict=Verdict(claim["verdict"]),
        metrics=tuple(claim["metrics"]),
        compared=tuple(claim["compared"]),
        reported=reported,
        where=claim["where"],
        scale=claim["scale"],
        remarks=claim["remarks"],
        units=units_of(reported, claim.get("units", {})),
        findings=tuple(map(_finding, claim["findings"])),
        seeds=claim["seeds"],
        level=claim["level"],
        means={
            arm: {metric: _interval(mean) for metric, mean in metrics.items()}
            for arm, metrics in claim["means"].items()
        },
        trials=replace(
            trials_of(outcomes), failed_before=sum(trial.get("failed_before", 0) for trial in claim["trials"])
        ),
        earlier=tuple(Revision(**earlier) for earlier in claim["earlier"]),
        problem=claim["problem"],
    )
    return Recorded(judgement, Context(**claim["context"]), tuple(claim["trials"]), tuple(claim["renewals"]))


def _interval(content: Mapping[str, Any]) -> Interval:
    low, high = content["low"], content["high"]
    return Interval(
        content["estimate"],
        -math.inf if low is None else low,
        math.inf if high is None else high,
        content["level"],
        content["method"],
    )


def _finding(content: Mapping[str, Any]) -> Finding:
    low, high = content["region"]["low"], content["region"]["high"]
    region = Region(-math.inf if low is None else low, math.inf if high is None else high, content["region"]["closed"])
    return Finding(content["effect"], _interval(content), region, Verdict(content["verdict"]), content["reason"])


def as_json(judgement: Judgement) -> dict[str, Any]:
    """Everything that is shown of a judgement, as JSON values; an open end of an interval is null."""
    words = words_of(judgement)
    return {
        "claim": judgement.name,
        "revision": judgement.revision.as_json(),
        "statement": judgement.statement,
        **{name: words[name] for name in ("where", "scale", "remarks")},
        "verdict": judgement.verdict.value,
        "problem": judgement.problem,
        "seeds": judgement.seeds,
        "level": judgement.level,
        "metrics": list(judgement.metrics),
        "compared": list(judgement.compared),
        "findings": [finding_json(finding) for finding in judgement.findings],
        "means": {
            arm: {metric: interval_json(mean) for metric, mean in metrics.items()}
            for arm, metrics in judgement.means.items()
        },
        "reported": words["reported"],
        "units": words["units"],
        "earlier": [revision.as_json() for revision in judgement.earlier],
    }


def words_of(claim: Claim | Judgement) -> dict[str, Any]:
    """What a claim says beside its terms, as JSON values."""
    return {
        "where": claim.where,
        "scale": claim.scale,
        "remarks": claim.remarks,
        "reported": [asdict(figure) for figure in claim.reported],
        "units": dict(claim.units),
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    region = finding.region
    return {
        "effect": finding.effect,
        **interval_json(finding.interval),
        "region": {"low": _closed(region.low), "high": _closed(region.high), "closed": region.closed},
        "expected": str(region),
        "verdict": finding.verdict.value,
        "reason": finding.reason,
    }


def interval_json(interval: Interval) -> dict[str, Any]:
    return {
        "estimate": interval.estimate,
        "low": _closed(interval.low),
        "high": _closed(interval.high),
        "level": interval.level,
        "method": interval.method,
    }


def _closed(end: float) -> float | None:
    return end if math.isfinite(end) else None


def trials_json(records: Sequence[Record]) -> dict[str, Any]:
    """The trials of a claim and the machines that they ran on, each machine once."""
    written = [json.dumps(dict(record.outcome.machine), sort_keys=True) for record in records]
    machines = list(dict.fromkeys(written))
    return {
        "machines": [json.loads(machine) for machine in machines],
        "trials": [
            {
                "arm": record.key.arm,
                "seed": record.key.seed,
                "numbers": record.outcome.numbers,
                "error": record.outcome.error,
                "started": round(record.outcome.started, 3),
                "seconds": round(record.outcome.seconds, 3),
                "peak_memory": record.outcome.peak_memory,
                "machine": machines.index(machine),
            }
            | ({"failed_before": record.failed_before} if record.failed_before else {})
            for record, machine in zip(records, written, strict=True)
        ],
    }
