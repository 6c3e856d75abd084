"""The loss of a step, from the tensors that `backward` was called on."""

from __future__ import annotations

import sys
import weakref
from typing import Any

from .loss_factors import PLAIN, LossFactors, factors_of, together

MAX_MICRO_BATCHES = 10_000
"""The most losses that wait for a step, so that a training that never steps an optimizer does not fill memory."""

MAX_SCALED = 64
STEPS_WITHOUT_SCALING = 2
"""After this many steps without a GradScaler, none is in use any more."""


class PendingLosses:
    """
    The tensors that `backward` was called on since the last step. The loss of a step with several micro-batches is
    their mean, or the sum of shares: see `loss_factors`. A loss is not known if it was changed after a GradScaler had
    scaled it; then the step has no loss.
    """

    __slots__ = ("_factors", "_losses", "_scaled", "_steps_since_scaling", "_usual_count", "is_frozen")

    def __init__(self) -> None:
        self._losses: list[Any] = []
        """Detached: floats, or scalar tensors on a device. None for a loss that is not known."""
        self._factors: list[LossFactors | None] = []
        """Of each loss. None for the first of a step, as a look-up takes time: then it has those of the second."""
        self._usual_count = 0
        """How many micro-batches a full step has, if their losses are divided by that number; else 0."""
        self._scaled: dict[int, tuple[weakref.ref[Any], Any, LossFactors]] = {}
        """By `id()`, what a GradScaler returned last: the loss behind it, and that loss's factors."""
        self._steps_since_scaling = STEPS_WITHOUT_SCALING
        self.is_frozen = False
        """Whether what comes before the next step belongs to a line search."""

    def remember_scaled(self, outputs: Any, scaled: Any) -> None:
        """Remembers the losses behind what a GradScaler returned, as `backward` will be called on the scaled ones."""
        if scaled is outputs:  # the scaler is disabled
            return
        self._steps_since_scaling = 0
        several = isinstance(outputs, (list, tuple))
        for loss, root in zip(outputs, scaled) if several else [(outputs, scaled)]:
            if _is_scalar(loss) and _is_scalar(root):
                if len(self._scaled) >= MAX_SCALED:
                    del self._scaled[next(iter(self._scaled))]
                self._scaled[id(root)] = weakref.ref(root), _value(loss), factors_of(loss)

    def add(self, root: Any) -> None:
        """`root`: the tensor that `backward` is called on."""
        if self.is_frozen or root.numel() != 1:
            return
        # tolist reads a CPU scalar a fifth faster than item
        value = root.tolist() if root.is_cpu else None
        is_first = not self._losses and not self._usual_count
        if type(value) is not float or not is_first or self._steps_since_scaling < STEPS_WITHOUT_SCALING:
            if not root.is_complex():
                self._append(*self._loss_behind(root))
        else:
            self._losses.append(value)
            self._factors.append(None)

    def add_unusual(self, roots: Any, weights: Any) -> None:
        """
        Adds the loss of a call with several roots, which computes the gradients of their sum, or with weights. If a
        root is weighted, or is no loss, nothing is added.
        """
        if not isinstance(roots, (list, tuple)):
            roots = [roots]
        if self.is_frozen or not roots or not all(map(_is_scalar, roots)):
            return
        if weights is not None and not (len(roots) == 1 and _is_one(weights)):
            return
        values, factors = zip(*map(self._loss_behind, roots))
        total = None if any(value is None for value in values) else sum(values[1:], values[0])
        self._append(total, factors[0] if len({one.divisors for one in factors}) == 1 else PLAIN)

    def _loss_behind(self, root: Any) -> tuple[Any, LossFactors]:
        """The loss of a root before a GradScaler scaled it, and its factors. None if it is not known."""
        if self._steps_since_scaling == STEPS_WITHOUT_SCALING:
            return _value(root), factors_of(root)
        ref, value, factors = self._scaled.get(id(root), (None, None, PLAIN))
        return (value, factors) if ref is not None and ref() is root else (None, PLAIN)

    def _append(self, value: Any, factors: LossFactors) -> None:
        if len(self._losses) >= MAX_MICRO_BATCHES:
            self.clear()
        self._losses.append(value)
        self._factors.append(factors)

    def freeze(self) -> None:
        """Ignores later backward passes until the step: they belong to a line search."""
        self.is_frozen = True

    def thaw(self) -> None:
        """Forgets the losses of a step that raised in its line search."""
        if self.is_frozen:
            self.clear()

    def __len__(self) -> int:
        """How many micro-batches there were."""
        return len(self._losses)

    def take_from(self, other: PendingLosses) -> None:
        """Adds the losses of another thread, which computed them for this one."""
        self._losses.extend(other._losses)
        self._factors.extend(other._factors)
        other.clear()

    def drop(self, count: int) -> Any:
        """Drops the oldest `count` micro-batches, of a step that the training skipped. Returns their loss."""
        loss = self._of_first(count)
        del self._losses[:count], self._factors[:count]
        return loss

    def loss(self) -> Any:
        """The loss of the step. None if there is none, or one that is not known."""
        losses = self._losses
        if len(losses) == 1 and not self._usual_count:
            return losses[0]
        return self._of_first(len(losses))

    def _of_first(self, count: int) -> Any:
        losses = self._losses[:count]
        if not losses or any(loss is None for loss in losses):
            return None
        known = next((factors for factors in self._factors[:count] if factors is not None), PLAIN)
        all_factors = [factors or known for factors in self._factors[:count]]
        loss, self._usual_count = together(losses, all_factors, self._usual_count)
        return loss

    def clear(self) -> None:
        """Starts the next step."""
        self._losses.clear()
        self._factors.clear()
        self.is_frozen = False
        if self._steps_since_scaling < STEPS_WITHOUT_SCALING:
            self._steps_since_scaling += 1
            if self._steps_since_scaling == STEPS_WITHOUT_SCALING:
                self._scaled.clear()

    def take(self) -> Any:
        """Returns `loss` and starts the next step."""
        loss = self.loss()
        self.clear()
        return loss


def _is_scalar(value: Any) -> bool:
    return isinstance(value, sys.modules["torch"].Tensor) and value.numel() == 1 and not value.is_complex()


def _is_one(weight: Any) -> bool:
    """Whether a weight is 1. One on a device is not read, as that would wait."""
    return _is_scalar(weight) and bool(weight.is_cpu) and float(weight) == 1.0


def _value(loss: Any) -> Any:
    return loss.item() if loss.is_cpu else loss.detach().reshape(()).float().clone()
