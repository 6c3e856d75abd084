"""
Whether the scheduler of this job has told it to stop, in order to run it again later. A job that is stopped in this way
has not failed. SIGCONT says that it goes on after all.
"""

from __future__ import annotations

import functools
import os
import signal
import time
from types import FrameType
from typing import Any, Callable

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGUSR1") if hasattr(signal, name))
TOGETHER_SECONDS = 1.0
"""
SLURM sends SIGCONT together with SIGTERM, so that a suspended job can react. Python may call the handlers in either
order, so a SIGCONT within this time does not take the SIGTERM back.
"""

_told_at: float | None = None


def is_preemption(number: int) -> bool:
    """Whether this signal, in this process, comes from a scheduler that wants the job back later."""
    return number in SIGNALS and bool(os.environ.get("SLURM_JOB_ID"))


def note(number: int) -> None:
    """A signal has come, and the program's own handler decides what the process does next."""
    global _told_at
    if is_preemption(number):
        _told_at = time.monotonic()


def noting(handler: Callable[[int, FrameType | None], Any]) -> Callable[[int, FrameType | None], Any]:
    """The program's own signal handler, which also notes the signal."""

    @functools.wraps(handler, assigned=(), updated=())
    def noted(number: int, frame: FrameType | None) -> Any:
        note(number)
        return handler(number, frame)

    return noted


def on_continue(_number: int, _frame: FrameType | None) -> None:
    """SIGCONT: the job goes on."""
    global _told_at
    if _told_at is not None and time.monotonic() - _told_at >= TOGETHER_SECONDS:
        _told_at = None


def status_at_end(failed: bool) -> str:
    """The status of a run whose program ends, without saying how the run ended."""
    if _told_at is not None:
        return "preempted"
    return "failed" if failed else "finished"
