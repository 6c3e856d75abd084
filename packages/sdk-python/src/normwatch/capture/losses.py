"""The loss of a step, from the roots of its backward passes."""

from __future__ import annotations

import sys
import weakref
from typing import Any


class PendingLosses:
    """
    What `backward` was called on since the last step. A step of several micro-batches has their mean; roots that were
    each divided by the number of micro-batches, the usual way to accumulate gradients, are added up for the same.
    """

    def __init__(self) -> None:
        self._losses: list[Any] = []
        """Without a graph: floats, or scalars on a device."""
        self._divisors: list[float | None] = []
        """None for the first micro-batch of a step: looking costs, and it is divided as the others are."""
        self._scaled: tuple[weakref.ref[Any], Any, float | None] | None = None
        self._is_frozen = False

    def remember_scaled(self, outputs: Any, scaled: Any) -> None:
        """What a GradScaler made of the loss: `backward` will be called on it."""
        if scaled is not outputs and _is_scalar(outputs) and _is_scalar(scaled):
            self._scaled = (weakref.ref(scaled), _value(outputs), _divisor(outputs) if self._losses else None)

    def add(self, root: Any) -> None:
        """`root`: the tensor that `backward` is called on."""
        scaled = self._scaled
        if self._is_frozen or root.numel() != 1 or root.is_complex():
            return
        if scaled is not None and scaled[0]() is root:
            _, value, divisor = scaled
        else:
            value, divisor = _value(root), _divisor(root) if self._losses else None
        self._losses.append(value)
        self._divisors.append(divisor)

    def freeze(self) -> None:
        """What follows until the step is a line search's, not the training's."""
        self._is_frozen = True

    def __len__(self) -> int:
        """How many micro-batches there were."""
        return len(self._losses)

    def drop(self, count: int) -> None:
        """The oldest `count` micro-batches belong to a step that the training decided against."""
        del self._losses[:count], self._divisors[:count]

    def mean(self) -> Any:
        """The mean loss, or None without one."""
        count = len(self._losses)
        if count == 0:
            return None
        if count == 1:
            return self._losses[0]
        total = self._losses[0]
        for loss in self._losses[1:]:
            total = total + loss
        return total if all(divisor in (None, count) for divisor in self._divisors) else total / count

    def take(self) -> Any:
        """`mean`, and the next step begins."""
        mean = self.mean()
        self._losses, self._divisors, self._is_frozen, self._scaled = [], [], False, None
        return mean


def _is_scalar(value: Any) -> bool:
    return isinstance(value, sys.modules["torch"].Tensor) and value.numel() == 1 and not value.is_complex()


def _value(loss: Any) -> Any:
    return loss.item() if loss.is_cpu else loss.detach().reshape(()).float().clone()


def _divisor(loss: Any) -> float:
    """The plain number that the loss was divided by last, at once or in a row, as by a framework; else 1."""
    divisor = 1.0
    graph = loss.grad_fn
    while type(graph).__name__ == "DivBackward0":
        # a plain number is kept as a scalar on the CPU; a tensor on a device is not waited for
        other = getattr(graph, "_saved_other", None)
        if other is None or not other.is_cpu or other.numel() != 1:
            break
        divisor *= float(other.item())
        graph = graph.next_functions[0][0]
    return divisor
