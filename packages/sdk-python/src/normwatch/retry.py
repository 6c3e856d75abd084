"""What to do after a request, as a pure function. Its test cases are in `packages/protocol/fixtures/retry.json`."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime

FIRST_DELAY = 0.5
"""The longest delay after the first try, in seconds. It doubles with each try."""
LONGEST_DELAY = 30.0
LONGEST_RETRY_AFTER = 300.0
RETRIED_STATUSES = frozenset((408, 425, 429))
TOO_MANY_NAMES = frozenset(("too_many_metrics", "too_many_series"))
"""The codes of a server that refuses new names. It accepts the readings whose names it knows."""


@dataclass(frozen=True)
class Reply:
    """An answer. `readable`: its body is a JSON object. `status` is None if no answer came."""

    status: int | None
    readable: bool = False
    code: str | None = None
    message: str = ""
    retry_after: float | None = None
    """Seconds that the server asked for."""


@dataclass(frozen=True)
class Decision:
    action: str
    """
    `done`, `retry`, `create` (PUT the run, then retry), `split` (send the points in two halves), `narrow` (send half of
    the readings' names at a time) or `refuse`.
    """
    delay: tuple[float, float] = (0.0, 0.0)
    """For `retry`: the shortest and the longest delay in seconds. The caller picks one at random."""


def decide(reply: Reply, attempt: int, points: int) -> Decision:
    """The action after try number `attempt` (from 1) of a request with `points` points."""
    status = reply.status
    if status is not None and 200 <= status < 300 and reply.readable:
        return Decision("done")
    is_about_request = status is not None and 400 <= status < 500 and status not in RETRIED_STATUSES
    if is_about_request and reply.code in TOO_MANY_NAMES and points > 0:
        return Decision("narrow")
    if status == 413 and points > 1:  # also from a proxy with a smaller limit
        return Decision("split")
    if is_about_request and reply.code is not None:
        return Decision("create" if status == 404 and reply.code == "run_not_found" else "refuse")
    # no answer, a server error, or an answer from something else than Normwatch, such as a gateway
    longest = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(attempt - 1, 10))
    asked = min(reply.retry_after or 0.0, LONGEST_RETRY_AFTER)
    return Decision("retry", (max(longest / 2, asked), max(longest, asked)))


def read_retry_after(header: str | None, now: float) -> float | None:
    """The seconds in a `retry-after` header (seconds or an HTTP date), or None if it is invalid. `now` is Unix time."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
