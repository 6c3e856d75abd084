"""The loss of a step, from the tensors that `backward` was called on."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Sequence
from typing import Any

MAX_MICRO_BATCHES = 10_000
"""The most losses that wait for a step, so that a training that never steps an optimizer does not fill memory."""

MAX_SCALED = 64
STEPS_WITHOUT_SCALING = 2
"""After this many steps without a GradScaler, none is in use any more."""


class PendingLosses:
    """
    The tensors that `backward` was called on since the last step. The loss of a step with several micro-batches is
    their mean. Gradient accumulation usually divides each loss by the number of micro-batches; such losses are summed,
    which gives the same mean. A loss is not known if it was changed after a GradScaler had scaled it; then the step has
    no loss.
    """

    __slots__ = ("_divisors", "_losses", "_scaled", "_steps_since_scaling", "is_frozen")

    def __init__(self) -> None:
        self._losses: list[Any] = []
        """Detached: floats, or scalar tensors on a device. None for a loss that is not known."""
        self._divisors: list[float] = []
        """Of every loss but the first, which is divided like the others: a look-up takes time."""
        self._scaled: dict[int, tuple[weakref.ref[Any], Any, float]] = {}
        """By `id()`, what a GradScaler returned last: the loss behind it, and that loss's divisor."""
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
                self._scaled[id(root)] = weakref.ref(root), _value(loss), _divisor(loss)

    def add(self, root: Any) -> None:
        """`root`: the tensor that `backward` is called on."""
        if self.is_frozen or root.numel() != 1:
            return
        # tolist reads a CPU scalar a fifth faster than item
        value = root.tolist() if root.is_cpu else None
        if type(value) is not float or self._losses or self._steps_since_scaling < STEPS_WITHOUT_SCALING:
            if not root.is_complex():
                self._append(*self._loss_behind(root))
        else:
            self._losses.append(value)

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
        values, divisors = zip(*map(self._loss_behind, roots))
        total = None if any(value is None for value in values) else sum(values[1:], values[0])
        self._append(total, divisors[0] if len(set(divisors)) == 1 else 1.0)

    def _loss_behind(self, root: Any) -> tuple[Any, float]:
        """The loss of a root before a GradScaler scaled it, and its divisor. None if it is not known."""
        if self._steps_since_scaling == STEPS_WITHOUT_SCALING:
            return _value(root), _divisor(root)
        ref, value, divisor = self._scaled.get(id(root), (None, None, 1.0))
        return (value, divisor) if ref is not None and ref() is root else (None, 1.0)

    def _append(self, value: Any, divisor: float) -> None:
        if len(self._losses) >= MAX_MICRO_BATCHES:
            self.clear()
        if self._losses:
            self._divisors.append(divisor)
        self._losses.append(value)

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
        if other._losses:
            self._append(other._losses[0], other._divisors[0] if other._divisors else 1.0)
            self._losses.extend(other._losses[1:])
            self._divisors.extend(other._divisors)
            other.clear()

    def drop(self, count: int) -> Any:
        """Drops the oldest `count` micro-batches, of a step that the training skipped. Returns their mean."""
        mean = _mean(self._losses[:count], self._divisors[: max(0, count - 1)])
        del self._losses[:count], self._divisors[:count]
        return mean

    def mean(self) -> Any:
        """The mean loss. None if there is no loss, or one that is not known."""
        losses = self._losses
        return losses[0] if len(losses) == 1 else _mean(losses, self._divisors)

    def clear(self) -> None:
        """Starts the next step."""
        self._losses.clear()
        self._divisors.clear()
        self.is_frozen = False
        if self._steps_since_scaling < STEPS_WITHOUT_SCALING:
            self._steps_since_scaling += 1
            if self._steps_since_scaling == STEPS_WITHOUT_SCALING:
                self._scaled.clear()

    def take(self) -> Any:
        """Returns `mean` and starts the next step."""
        mean = self.mean()
        self.clear()
        return mean


def _mean(losses: Sequence[Any], divisors: Sequence[float]) -> Any:
    if not losses or any(loss is None for loss in losses):
        return None
    total, count = losses[0], len(losses)
    for loss in losses[1:]:
        total = total + loss
    return total if all(divisor == count for divisor in divisors) else total / count


def _is_scalar(value: Any) -> bool:
    return isinstance(value, sys.modules["torch"].Tensor) and value.numel() == 1 and not value.is_complex()


def _is_one(weight: Any) -> bool:
    """Whether a weight is 1. One on a device is not read, as that would wait."""
    return _is_scalar(weight) and bool(weight.is_cpu) and float(weight) == 1.0


def _value(loss: Any) -> Any:
    return loss.item() if loss.is_cpu else loss.detach().reshape(()).float().clone()


def _divisor(loss: Any) -> float:
    """The plain number that the loss was finally divided by (the product of successive divisions); else 1."""
    divisor = 1.0
    graph = loss.grad_fn
    while type(graph).__name__ == "DivBackward0":
        # torch keeps a plain number as a CPU scalar; reading a tensor on a device would wait, so that is not done
        other = getattr(graph, "_saved_other", None)
        if other is None or not other.is_cpu or other.numel() != 1:
            break
        divisor *= float(other.item())
        graph = graph.next_functions[0][0]
    return divisor
