"""
Ends open runs with the process: at exit, on a signal, before `os.exec…`, and after an unhandled exception in any
thread. Forgets them in the child of a fork.
"""

from __future__ import annotations

import atexit
import functools
import multiprocessing.util
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

from .current import open_runs
from .exit_codes import is_failing_code, is_failure
from .preemption import is_preemption, note, noting, on_continue, status_at_end
from .run import FINISH_TIMEOUT, Run

TERM_TIMEOUT = 8.0
"""Seconds to finish after SIGTERM. Schedulers usually wait 10 seconds before they send SIGKILL."""
EXEC_TIMEOUT = 5.0
CHILD_TIMEOUT = 3.0
"""Seconds to finish at the end of a child process. Data loaders kill a worker that takes more than 5."""
SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGXCPU")
    if hasattr(signal, name)
)
"""Signals that end a process by default and that people or tools send on purpose."""

LIGHTNING = ("lightning.pytorch", "pytorch_lightning")
"""
To requeue SLURM jobs, Lightning sets signal handlers, but only for signals that have none yet. SIGTERM is different:
there it adds its handler to the existing one.
"""

_installed = False
_last_error_before: Any = None
_watched: list[Run] = []
"""The open runs, and runs that are being finished right now, because a signal may arrive meanwhile."""
_noted: set[int] = set()
"""The signals whose handler, the program's own, is wrapped to note a preemption."""
_was_forked = False
"""Whether this is the child of a fork of a process that had a run."""
_notebook_is_watched = False
_execution_of: dict[int, int] = {}
"""In a notebook: the cell in which each run was created."""


def watch(run: Run) -> None:
    """Ends `run` with the process: `finished`, or `failed` after an unhandled exception, a signal or a failing exit."""
    global _installed, _last_error_before
    _watched[:] = [*(other for other in _watched if other.is_open), run]
    if multiprocessing.parent_process() is not None:
        # a child process of multiprocessing does not run atexit handlers
        multiprocessing.util.Finalize(None, _at_exit, exitpriority=0)
    _watch_signals()
    _watch_notebook(run)
    if _installed:
        return
    _installed = True
    _last_error_before = getattr(sys, "last_value", None)
    atexit.register(_at_exit)
    sys.exit = _note_code_then(sys.exit)
    threading.excepthook = _note_crash_then(threading.excepthook)
    for name in ("execv", "execve"):
        setattr(os, name, _finish_then(getattr(os, name)))
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget_all)


def _watch_signals() -> None:
    """
    Sets our signal handlers, but keeps the program's own: when those exit, atexit ends the run. Only the main thread
    can set handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in SIGNALS:
        handler = signal.getsignal(number)
        if _is_left_to_lightning(number, handler):
            continue
        if handler is signal.SIG_DFL:
            signal.signal(number, _on_signal)
        elif callable(handler) and handler is not _on_signal and is_preemption(number) and number not in _noted:
            _noted.add(number)
            signal.signal(number, noting(handler))
    if is_preemption(signal.SIGTERM) and signal.getsignal(signal.SIGCONT) is signal.SIG_DFL:
        signal.signal(signal.SIGCONT, on_continue)


def _is_left_to_lightning(number: int, handler: Any) -> bool:
    """
    Whether this is a signal that Lightning handles, or will handle if it has no handler yet. After its own SIGUSR1
    Lightning trains on, until the SIGTERM that follows the requeueing.
    """
    if number == signal.SIGTERM:
        return False
    if handler is signal.SIG_DFL:
        return any(name in sys.modules for name in LIGHTNING)
    return type(handler).__module__.startswith(LIGHTNING)


def _at_exit() -> None:
    is_child = _was_forked or multiprocessing.parent_process() is not None
    until = time.monotonic() + (CHILD_TIMEOUT if is_child else FINISH_TIMEOUT)
    for run in list(_watched):
        status = status_at_end(failed=_has_crashed() or run.is_marked_failed)
        run.finish(status, timeout=max(0.0, until - time.monotonic()))


def _has_crashed() -> bool:
    error = sys.exc_info()[1]
    if error is not None:
        return is_failure(error)
    # Python stores an unhandled exception here before it calls sys.excepthook, even if another library has replaced the
    # hook; an interactive session continues after such an exception
    last = getattr(sys, "last_value", None)
    return last is not None and last is not _last_error_before and not _is_interactive()


def _is_interactive() -> bool:
    return hasattr(sys, "ps1") or _shell() is not None


def _note_code_then(previous: Any) -> Any:
    @functools.wraps(previous)
    def exit(code: Any = None, /) -> Any:
        if is_failing_code(code) and threading.current_thread() is threading.main_thread():
            for run in open_runs():
                run.mark_failed()
        return previous(code)

    return exit


def _note_crash_then(previous: Any) -> Any:
    def hook(crash: Any) -> Any:
        thread = crash.thread.ident if crash.thread is not None else threading.get_ident()
        if crash.exc_value is not None and is_failure(crash.exc_value):
            for run in open_runs():
                if thread in run.threads:
                    run.mark_failed()
        return previous(crash)

    return hook


def _finish_then(previous: Any) -> Any:
    @functools.wraps(previous)
    def replace_process(*arguments: Any) -> Any:
        for run in open_runs():
            run.finish(timeout=EXEC_TIMEOUT)
        return previous(*arguments)

    return replace_process


def _on_signal(number: int, _frame: FrameType | None) -> None:
    if signal.getsignal(number) is not _on_signal:
        # a handler that was set later has called this one, and decides what the process does next
        note(number)
        return
    until = time.monotonic() + TERM_TIMEOUT
    for run in list(_watched):
        run.end_by_signal(status_after(number), timeout=until - time.monotonic())
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def status_after(number: int) -> str:
    """The run's status after a signal that ends the process."""
    return "preempted" if is_preemption(number) else "failed"


def _forget_all() -> None:
    global _was_forked
    _was_forked = True
    for run in list(_watched):
        run.forget()
    _watched.clear()


def _shell() -> Any:
    """The shell of IPython or Jupyter, or None."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def _watch_notebook(run: Run) -> None:
    """Ends a run of an earlier cell when a new run begins. A cell that raises marks the open runs as failed."""
    global _notebook_is_watched
    shell = _shell()
    if shell is None:
        return
    for other in open_runs():
        if other is not run and _execution_of.get(id(other)) != shell.execution_count:
            other.finish()
    _execution_of[id(run)] = shell.execution_count
    if not _notebook_is_watched:
        shell.events.register("post_run_cell", _after_cell)
        _notebook_is_watched = True


def _after_cell(result: Any) -> None:
    if not result.success:
        for run in open_runs():
            run.mark_failed()
