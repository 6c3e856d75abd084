"""Ends open runs with the process: at exit, on SIGTERM, after an unhandled exception; and forgets them in a fork."""

from __future__ import annotations

import atexit
import multiprocessing.util
import os
import signal
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import Any

from .run import Run

TERM_TIMEOUT = 8.0
"""Seconds: schedulers usually wait 10 between SIGTERM and SIGKILL."""

_open_runs: list[Run] = []
_crashed = False
_installed = False


def watch(run: Run) -> None:
    """Ends `run` with the process: `finished`, or `failed` after an unhandled exception or SIGTERM."""
    global _installed
    _open_runs[:] = [*(other for other in _open_runs if other.is_open), run]
    if multiprocessing.parent_process() is not None:
        # a child of multiprocessing ends without atexit
        multiprocessing.util.Finalize(None, _at_exit, exitpriority=0)
    if _installed:
        return
    _installed = True
    atexit.register(_at_exit)
    sys.excepthook = _note_crash_then(sys.excepthook)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget_all)
    # a handler of the program is left alone: when it exits, atexit ends the run
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _on_terminate)


def _at_exit() -> None:
    for run in list(_open_runs):
        run.finish("failed" if _crashed or sys.exc_info()[0] is not None else "finished")


def _note_crash_then(previous: Any) -> Any:
    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        global _crashed
        _crashed = True
        previous(kind, error, traceback)

    return hook


def _on_terminate(number: int, _frame: FrameType | None) -> None:
    until = time.monotonic() + TERM_TIMEOUT
    for run in list(_open_runs):
        run.end_by_signal(timeout=until - time.monotonic())
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _forget_all() -> None:
    for run in list(_open_runs):
        run.forget()
    _open_runs.clear()
