"""
Checks that all ranks see the same norm. It is the norm of the whole model, so they should. A rank that sees a different
norm has only a share of the gradients, or its weights have drifted from those of the other ranks.
"""

from __future__ import annotations

import itertools
import math
import sys
from typing import Any

from .sharding import PREFIX

TOLERANCE = 1e-2
"""Relative tolerance, because ranks may sum in a different order."""

_numbers = itertools.count()
"""Numbers the trainings of a process, in the same way on every rank."""


class Agreement:
    """
    Compares the norms of the 1st, 2nd, 4th, 8th, … step of all ranks, through the store of their process group. No
    rank waits for another: a norm is published at the next of these steps. It is compared at the one after that, if
    all ranks have published by then.
    """

    def __init__(self) -> None:
        self._name = f"{PREFIX}/norm/{next(_numbers)}"
        self.seen = 0
        """The steps added so far."""
        self._kept: dict[int, Any] = {}
        """The norms of the steps that are not compared yet."""
        self.is_over = False
        """Whether nothing is compared any more."""

    def add(self, norm: Any, compares: bool) -> str | None:
        """
        Adds the norm of a step as this rank sees it. If `compares` and the ranks differ, returns a description of the
        difference, once. Raises what the store raises, such as AttributeError in versions before it had `check`.
        """
        self.seen += 1
        if self.seen & (self.seen - 1) or self.is_over:
            return None
        distributed = sys.modules["torch"].distributed
        if not distributed.is_available() or not distributed.is_initialized() or distributed.get_world_size() == 1:
            self._kept.clear()
            return None
        self._kept[self.seen] = norm
        store = distributed.distributed_c10d._get_default_store()
        rank, world = distributed.get_rank(), distributed.get_world_size()
        published, compared = self.seen // 2, self.seen // 4
        if published in self._kept:
            self._kept[published] = float(self._kept[published])
            store.set(f"{self._name}/{published}/{rank}", repr(self._kept[published]))
        if self._kept.pop(compared, None) is None or not compares:
            return None
        keys = [f"{self._name}/{compared}/{other}" for other in range(world)]
        if not store.check(keys):
            return None
        return self._compare([float(store.get(key)) for key in keys], compared)

    def _compare(self, norms: list[float], step: int) -> str | None:
        first = norms[0]
        for rank, norm in enumerate(norms):
            if not (math.isclose(norm, first, rel_tol=TOLERANCE) or (math.isnan(norm) and math.isnan(first))):
                self.is_over = True
                return f"of the {_ordinal(step)} step, rank 0 has {first:.6g} and rank {rank} has {norm:.6g}"
        return None


def _ordinal(step: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{step}{'th' if step % 100 in (11, 12, 13) else endings.get(step % 10, 'th')}"
