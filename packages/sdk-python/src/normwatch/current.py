"""The run that the module-level clip functions record to."""

from __future__ import annotations

from .run import Run

_current: Run | None = None


def current_run() -> Run | None:
    """The run made last, as long as it is open."""
    return _current if _current is not None and _current.is_open else None


def make_current(run: Run) -> None:
    global _current
    _current = run
