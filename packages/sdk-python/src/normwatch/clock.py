"""Unix time that never jumps and never goes back."""

from __future__ import annotations

import time
from typing import Callable


def steady_clock(
    wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
) -> Callable[[], float]:
    """Unix seconds that grow as a monotonic clock does: the wall clock is read once; setting it later has no effect."""
    offset = wall() - monotonic()
    return lambda: monotonic() + offset
