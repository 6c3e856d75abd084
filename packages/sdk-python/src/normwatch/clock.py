"""Unix time that neither jumps nor goes back."""

from __future__ import annotations

import time
from typing import Callable


class SteadyClock:
    """Unix seconds that grow as a monotonic clock does: the wall clock is asked once, so setting it changes nothing."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._offset = wall() - monotonic()

    def __call__(self) -> float:
        return self._monotonic() + self._offset
