"""How long a server asks to be left alone: in a header, or in the body of a refusal."""

import contextlib
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_RESET = re.compile(r'"(?:resetTime|reset_?at|reset)"\s*:\s*"?([^",}\s]+)', re.IGNORECASE)
_IN = re.compile(r"\b(?:in|after)\s+(\d{1,6})\s*(s|sec|seconds?|m|min|minutes?)\b", re.IGNORECASE)


def retry_after(said: str | None) -> float | None:
    """Seconds to wait, of a header that holds seconds or a date."""
    if said is None:
        return None
    said = said.strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", said):
        return float(said)
    try:
        return _until(parsedate_to_datetime(said))
    except (ValueError, TypeError):
        return None


def reset_after(said: str) -> float | None:
    """Seconds to wait, of a body that says when its limit resets: a time, or "try again in 28 seconds".

    None for a time that is past, as it may be by the clock of a server that runs behind ours.
    """
    if found := _RESET.search(said):
        with contextlib.suppress(ValueError, OverflowError, OSError):
            return _until(_moment(found.group(1))) or None
    if found := _IN.search(said):
        return float(found.group(1)) * (60 if found.group(2).lower().startswith("m") else 1)
    return None


def _moment(said: str) -> datetime:
    """A time in ISO 8601, or since 1970 in seconds or milliseconds.

    The number comes first: thirteen digits can be read as a year, a month, a day, any sign, an hour and a minute.
    """
    try:
        seconds = float(said)
    except ValueError:
        return datetime.fromisoformat(said)
    return datetime.fromtimestamp(seconds / 1_000 if seconds > 1e11 else seconds, UTC)


def _until(when: datetime) -> float:
    """Seconds until a time, in UTC unless it says otherwise; none if it is past."""
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def lasting(seconds: float) -> str:
    """How long a wait is, for a reader: "28 seconds", "25 minutes"."""
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:,.0f} minutes"
