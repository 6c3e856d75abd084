"""The loss of a step, from the tensors that `backward` was called on."""

from __future__ import annotations

import sys
import weakref
from typing import Any


class PendingLosses:
    """
    The tensors that `backward` was called on since the last step. The loss of a step with several micro-batches is
    their mean. Gradient accumulation usually divides each loss by the number of micro-batches; such losses are summed,
    which gives the same mean.
    """

    def __init__(self) -> None:
        self._losses: list[Any] = []
        """Detached: floats, or scalar tensors on a device."""
        self._divisors: list[float | None] = []
        """None for the first micro-batch of a step: it is divided like the others, and a look-up takes time."""
        self._scaled: tuple[weakref.ref[Any], Any, float | None] | None = None
        self._is_frozen = False

    def remember_scaled(self, outputs: Any, scaled: Any) -> None:
        """Remembers the loss behind what a GradScaler returned, as `backward` will be called on the scaled one."""
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
        """Ignores later backward passes until the step: they belong to a line search."""
        self._is_frozen = True

    def __len__(self) -> int:
        """How many micro-batches there were."""
        return len(self._losses)

    def drop(self, count: int) -> None:
        """Drops the oldest `count` micro-batches, of a step that the training skipped."""
        del self._losses[:count], self._divisors[:count]

    def mean(self) -> Any:
        """The mean loss, or None if there is no loss."""
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
        """Returns `mean` and starts the next step."""
        mean = self.mean()
        self._losses, self._divisors, self._is_frozen, self._scaled = [], [], False, None
        return mean


def _is_scalar(value: Any) -> bool:
    return isinstance(value, sys.modules["torch"].Tensor) and value.numel() == 1 and not value.is_complex()


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
