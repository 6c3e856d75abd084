"""A clip call whose optimizer step has not come yet."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

from . import zeroing


class ClipCall:
    """
    The readings of a clip call, or of our own measurement if nothing clips. It is kept until the optimizer step. It
    refers to the parameters, but holds no gradient.
    """

    __slots__ = (
        "_gradient",
        "_ids",
        "_zeroings",
        "clip",
        "is_measured",
        "is_recorded",
        "is_usual",
        "micro_batches",
        "parameters",
        "readings",
    )

    def __init__(
        self,
        parameters: Sequence[Any],
        clip: dict[str, Any],
        readings: dict[str, Any],
        micro_batches: int = 0,
        is_usual: bool = False,
        is_measured: bool = False,
    ) -> None:
        self.clip = clip
        self.readings = readings
        self.micro_batches = micro_batches
        """The micro-batches since the previous step, at the time of the call."""
        self.is_usual = is_usual
        """Whether `UsualStep` added it."""
        self.is_measured = is_measured
        """Whether it is our own measurement, at the start of a step."""
        self.is_recorded = False
        self._zeroings = zeroing.now()
        self.parameters = parameters
        self._ids: frozenset[int] | None = None
        self._gradient: weakref.ref[Any] | None = None
        for parameter in parameters:
            gradient = parameter.grad
            if gradient is not None:
                self._gradient = weakref.ref(gradient)
                break

    @property
    def ids(self) -> frozenset[int]:
        """The `id()`s of the call's parameters."""
        if self._ids is None:
            self._ids = frozenset(map(id, self.parameters))
        return self._ids

    def concerns(self, ids: frozenset[int]) -> bool:
        """Whether the call had any of these parameters. Checks the first one first, which usually decides."""
        parameters = self.parameters
        return (bool(parameters) and id(parameters[0]) in ids) or not ids.isdisjoint(self.ids)

    def is_of_same_gradients(self, later: ClipCall) -> bool:
        """Whether a later call for the same parameters saw the gradients as this call left them."""
        found = None if self._gradient is None else self._gradient()
        is_same = found is not None and later._gradient is not None and later._gradient() is found
        return is_same and later.micro_batches == self.micro_batches > 0 and not self.is_recorded

    @property
    def was_dropped(self) -> bool:
        """Whether its gradients are gone or were zeroed, because the training skipped the step, as after a NaN."""
        if self._gradient is None:
            return False
        return self._gradient() is None or zeroing.have_been_zeroed(self.ids, self._zeroings)
