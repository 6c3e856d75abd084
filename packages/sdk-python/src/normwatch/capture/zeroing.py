"""
Remembers which gradients `zero_grad(set_to_none=False)` has set to zero in place, the default before PyTorch 2.0.
Gradients that are set to None need no such memory: they are gone.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections import deque
from collections.abc import Iterable
from typing import Any, Callable

from ..optimizers import parameters_of

KEPT = 64
"""How many calls are remembered. Only those since the last step matter: about one for each optimizer."""

_calls: deque[tuple[int, weakref.ref[Any]]] = deque(maxlen=KEPT)
_count = 0


def now() -> int:
    """A point in time, for `have_been_zeroed`."""
    return _count


def have_been_zeroed(ids: frozenset[int], since: int) -> bool:
    """Whether one call since then has zeroed the gradients of all parameters with these `id()`s."""
    calls = tuple(_calls)  # at once, as another thread may add to them
    owners = [owner for number, ref in calls if number > since and (owner := ref()) is not None]
    return any(ids.issubset(map(id, _parameters_of(owner))) for owner in owners)


def watch_zero_grad(
    torch: Any, is_on: Callable[[], bool], replace: Callable[[Any, str, Callable[..., Any]], None]
) -> None:
    """Wraps `zero_grad` of optimizers and modules by `replace(owner, attribute, wrapper)`. Only while `is_on()`."""
    for kind in (sys.modules["torch.optim.optimizer"].Optimizer, torch.nn.Module):
        replace(kind, "zero_grad", _watched(kind.zero_grad, is_on))


def _watched(zero_grad: Callable[..., Any], is_on: Callable[[], bool]) -> Callable[..., Any]:
    default = (zero_grad.__defaults__ or (True,))[0]

    @functools.wraps(zero_grad)
    def watched(self: Any, set_to_none: bool = default) -> Any:
        if not set_to_none and is_on():
            global _count
            _count += 1
            _calls.append((_count, weakref.ref(self)))
        return zero_grad(self, set_to_none)

    return watched


def _parameters_of(owner: Any) -> Iterable[Any]:
    return parameters_of(owner) if hasattr(owner, "param_groups") else owner.parameters()
