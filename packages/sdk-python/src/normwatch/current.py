"""Which run a call without `run=` records to: that of the innermost `with` block, else the newest of this thread."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from .run import Run

_made_here: ContextVar[tuple[Run, ...]] = ContextVar("normwatch_runs", default=())
"""The runs that this thread or task has created, oldest first."""
_entered: ContextVar[tuple[Run, ...]] = ContextVar("normwatch_entered", default=())
"""The runs whose `with` blocks this thread or task is in, outermost first."""
_undecided: ContextVar[tuple[Callable[[Any], None], ...]] = ContextVar("normwatch_undecided", default=())
_made: list[Run] = []
"""The open runs of this process, oldest first. Used by threads that have not created a run."""

changes = 0
"""How often the answer of `current_run` may have changed, other than by the end of a run."""
undecided_calls = 0
"""Clip calls that wait for the `log` that decides their run. Usually 0, so `log` checks this first, for speed."""


def current_run() -> Run | None:
    """The run that module-level calls record to, or None if no run is open."""
    for run in reversed(_entered.get()):
        if run.is_open:
            return run
    for run in reversed(_made_here.get() or _made):
        if run.is_open:
            return run
    return None


def is_ambiguous() -> bool:
    """Whether several open runs are possible. The call then belongs to the run that logs next."""
    if any(run.is_open for run in _entered.get()):
        return False
    return sum(run.is_open for run in _made_here.get() or _made) > 1


def made_here(run: Run) -> bool:
    """Whether this thread or task has created `run`, or is in its `with` block."""
    return run in _made_here.get() or run in _entered.get()


def open_runs() -> list[Run]:
    """Every open run of this process, oldest first."""
    return [run for run in _made if run.is_open]


def make_current(run: Run) -> None:
    """Makes `run` the newest of this thread or task."""
    global changes
    changes += 1
    _made_here.set((*(other for other in _made_here.get() if other.is_open and other is not run), run))
    _made[:] = [*(other for other in list(_made) if other.is_open and other is not run), run]


def enter(run: Run) -> None:
    global changes
    changes += 1
    _entered.set((*_entered.get(), run))


def leave(run: Run) -> None:
    global changes
    changes += 1
    _entered.set(tuple(other for other in _entered.get() if other is not run))


def decide_later(call: Callable[[Run], None]) -> None:
    """Keeps the readings of a clip call for the run that this thread or task logs to next."""
    global undecided_calls
    undecided_calls += 1
    _undecided.set((*_undecided.get(), call))


def take_undecided() -> tuple[Callable[[Run], None], ...]:
    """Returns and clears what was kept since the last `log` in this thread or task."""
    global undecided_calls
    calls = _undecided.get()
    if calls:
        undecided_calls -= len(calls)
        _undecided.set(())
    return calls
