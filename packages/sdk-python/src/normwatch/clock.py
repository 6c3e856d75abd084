"""Unix time that never jumps and never goes back."""

from __future__ import annotations

import time
from typing import Callable


def steady_clock(
    wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
) -> Callable[[], float]:
    """A clock of Unix seconds that reads the wall clock once and then follows a monotonic clock."""
    offset = wall() - monotonic()
    return lambda: monotonic() + offset
