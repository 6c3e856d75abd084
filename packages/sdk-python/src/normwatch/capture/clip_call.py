"""A clip call whose optimizer step has not come yet."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from functools import cached_property
from typing import Any


class ClipCall:
    """
    The readings of a clip call, or of our own measurement if nothing clips. It is kept until the optimizer step. It
    refers to the parameters, but holds no gradient.
    """

    def __init__(
        self,
        parameters: Sequence[Any],
        clip: dict[str, Any],
        readings: dict[str, Any],
        loss: Any = None,
        micro_batches: int = 0,
    ) -> None:
        self.clip = clip
        self.readings = readings
        self.loss = loss
        """The mean loss at the time of the call, over the `micro_batches` since the previous step."""
        self.micro_batches = micro_batches
        self.is_recorded = False
        self._parameters = parameters
        self._gradient: weakref.ref[Any] | None = None
        for parameter in parameters:
            gradient = parameter.grad
            if gradient is not None:
                self._gradient = weakref.ref(gradient)
                break

    @cached_property
    def ids(self) -> frozenset[int]:
        """The `id()`s of the call's parameters."""
        return frozenset(map(id, self._parameters))

    def concerns(self, ids: frozenset[int]) -> bool:
        """Whether the call had any of these parameters. Checks the first one first, which usually decides."""
        parameters = self._parameters
        return (bool(parameters) and id(parameters[0]) in ids) or not ids.isdisjoint(self.ids)

    def is_of_same_gradients(self, later: ClipCall) -> bool:
        """Whether a later call for the same parameters saw the gradients as this call left them."""
        found = None if self._gradient is None else self._gradient()
        is_same = found is not None and later._gradient is not None and later._gradient() is found
        return is_same and later.micro_batches == self.micro_batches > 0 and not self.is_recorded

    @property
    def was_dropped(self) -> bool:
        """Whether its gradients are gone, because the training skipped the step, as after a NaN."""
        return self._gradient is not None and self._gradient() is None
