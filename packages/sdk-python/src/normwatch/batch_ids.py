"""Which batch a suspicious step was trained on: recent ids are kept, and sent if a norm near them is suspicious."""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Sequence
from typing import Any, Callable

KEPT = 512
"""How many steps' batches are remembered."""
WINDOW = 128
MIN_NORMS = 16
SUSPICIOUS = 3.0
"""A norm is suspicious above this multiple of the median of the last norms."""
AROUND = 2
"""The batches of this many steps before and after a suspicious step are sent too."""
MAX_TEXT = 2048
LABEL = "batch"


class BatchIds:
    """The argument of `log(batch=…)`: a text, numbers, or a function that is called only if its answer is needed."""

    __slots__ = ("ids",)

    def __init__(self, ids: Any) -> None:
        self.ids = ids


class KeptBatches:
    """Used by the background thread only. `tell` sends an event: step, label and text."""

    def __init__(self, tell: Callable[[int, str, str], None]) -> None:
        self._tell = tell
        self._batches: deque[tuple[int, BatchIds]] = deque(maxlen=KEPT)
        self._norms: deque[float] = deque(maxlen=WINDOW)
        self._send_until = -1

    def add(self, step: int, batch: BatchIds, norms: Sequence[float]) -> None:
        """Adds the batch of a step, and the norms recorded with it, one per part."""
        self._batches.append((step, batch))
        if any(self._is_suspicious(norm) for norm in norms):
            self._send_until = step + AROUND
            for earlier, kept in list(self._batches)[-AROUND - 1 : -1]:
                self._send(earlier, kept)
        if step <= self._send_until:
            self._send(step, batch)
        self._norms.extend(norm for norm in norms if math.isfinite(norm))

    def _is_suspicious(self, norm: float) -> bool:
        if not math.isfinite(norm):
            return True
        return len(self._norms) >= MIN_NORMS and norm > SUSPICIOUS * statistics.median(self._norms)

    def _send(self, step: int, batch: BatchIds) -> None:
        self._tell(step, LABEL, describe(batch.ids))


def describe(ids: Any) -> str:
    """Ids as text: consecutive numbers as a range, `7–10, 12`. At most 2,048 characters. Never raises."""
    try:
        if callable(ids):
            ids = ids()
        if hasattr(ids, "tolist"):
            ids = ids.tolist()
        text = str(ids) if isinstance(ids, (str, int)) else ", ".join(_ranges(ids))
    except Exception as error:
        text = f"unreadable: {type(error).__name__}: {error}"
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _ranges(ids: Any) -> list[str]:
    found: list[list[Any]] = []
    for one in ids:
        if found and isinstance(one, int) and isinstance(found[-1][1], int) and one == found[-1][1] + 1:
            found[-1][1] = one
        else:
            found.append([one, one])
    return [str(first) if first == last else f"{first}–{last}" for first, last in found]
