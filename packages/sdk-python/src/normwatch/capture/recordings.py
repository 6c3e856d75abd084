"""Which run the steps of a thread are recorded to."""

from __future__ import annotations

from typing import Callable

from ..current import current_run
from ..run import Run
from .recording import Recording


class Recordings:
    """
    One recording per run. A thread that has created a run records to it. All other threads share the newest open run,
    else a run of our own.
    """

    def __init__(self, begin: Callable[[], Recording]) -> None:
        self._begin = begin
        self._shared = begin()
        self._others: list[Recording] = []

    def of_thread(self) -> Recording:
        """The recording of the steps of the calling thread."""
        run = current_run()
        if run is None or self._shared.holds(run):
            return self._shared
        for recording in self._others:
            if recording.holds(run):
                return recording
        with self._shared.lock:  # another thread may be creating this run there
            return self._shared if self._shared.holds(run) else self._add(run)

    def _add(self, run: Run) -> Recording:
        recording = self._begin()
        recording.follow(run)
        self._others = [*(other for other in self._others if other.is_open), recording]
        return recording
