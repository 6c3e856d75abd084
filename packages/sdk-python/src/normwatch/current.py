"""Which run a call without `run=` records to: of this thread or task, the innermost `with` block's, else the newest."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from .run import Run

_made_here: ContextVar[tuple[Run, ...]] = ContextVar("normwatch_runs", default=())
"""The runs that this thread or task has made, oldest first."""
_entered: ContextVar[tuple[Run, ...]] = ContextVar("normwatch_entered", default=())
"""The runs whose `with` block this thread or task is in, outermost first."""
_undecided: ContextVar[tuple[Callable[[Any], None], ...]] = ContextVar("normwatch_undecided", default=())
_made: list[Run] = []
"""The open runs of this process, oldest first: for threads that have made none."""

undecided_calls = 0
"""Clip calls that wait for a `log` to tell their run. Most of the time 0: `log` looks here first."""


def current_run() -> Run | None:
    """The run that module-level calls record to; None without an open one."""
    for run in reversed(_entered.get()):
        if run.is_open:
            return run
    for run in reversed(_made_here.get() or _made):
        if run.is_open:
            return run
    return None


def is_ambiguous() -> bool:
    """Whether several open runs could be meant: then the run that logs next is."""
    if any(run.is_open for run in _entered.get()):
        return False
    return sum(run.is_open for run in _made_here.get() or _made) > 1


def open_runs() -> list[Run]:
    """Every open run of this process, oldest first."""
    return [run for run in _made if run.is_open]


def make_current(run: Run) -> None:
    """Makes `run` the newest of this thread or task."""
    _made_here.set((*(other for other in _made_here.get() if other.is_open and other is not run), run))
    _made[:] = [*(other for other in list(_made) if other.is_open and other is not run), run]


def enter(run: Run) -> None:
    _entered.set((*_entered.get(), run))


def leave(run: Run) -> None:
    _entered.set(tuple(other for other in _entered.get() if other is not run))


def decide_later(call: Callable[[Run], None]) -> None:
    """Keeps what a clip call found for the run of this thread or task that logs next."""
    global undecided_calls
    undecided_calls += 1
    _undecided.set((*_undecided.get(), call))


def take_undecided() -> tuple[Callable[[Run], None], ...]:
    """What was kept since the last `log` in this thread or task."""
    global undecided_calls
    calls = _undecided.get()
    if calls:
        undecided_calls -= len(calls)
        _undecided.set(())
    return calls
