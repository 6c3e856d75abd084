"""A clip call whose optimizer step has not come yet."""

from __future__ import annotations

import weakref
from typing import Any


class ClipCall:
    """What was found by a clip call, or by our own measuring where nothing clips."""

    def __init__(self, parameters: list[Any], clip: dict[str, Any], readings: dict[str, Any]) -> None:
        self.ids = frozenset(id(p) for p in parameters if p.grad is not None)
        self.clip = clip
        self.readings = readings
        self.loss: Any = None
        """The mean loss at the time of the call, over the `micro_batches` since the step before."""
        self.micro_batches = 0
        self.is_recorded = False
        self._gradient = next((weakref.ref(p.grad) for p in parameters if p.grad is not None), None)

    @property
    def was_dropped(self) -> bool:
        """Whether its gradients are gone: the training decided against the step, as after a NaN."""
        return self._gradient is not None and self._gradient() is None
