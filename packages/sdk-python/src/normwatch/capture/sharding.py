"""
Checks that all ranks are watched. A sharded norm is computed by all ranks together, and a rank that starts alone would
wait for ever. So the ranks agree once, through the store of their process group, before the first norm is computed.
"""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Any

AGREE_SECONDS = 30.0
"""How long a rank waits for the others to reach their first step."""
POLL_SECONDS = 0.02
PREFIX = "normwatch/capture"

_answer: bool | None = None


def all_ranks_watch(measure_every: int) -> bool:
    """
    Whether all ranks are watched and measure at the same steps. Every watched rank gets the same answer. Only the first
    call waits.
    """
    global _answer
    if _answer is None:
        _answer = _agree(measure_every)
    return _answer


def _agree(measure_every: int) -> bool:
    distributed = sys.modules["torch"].distributed
    if not distributed.is_available() or not distributed.is_initialized() or distributed.get_world_size() == 1:
        return True
    store = distributed.distributed_c10d._get_default_store()
    if not hasattr(store, "check"):  # stores of older versions cannot be asked without waiting
        return False
    rank, world = distributed.get_rank(), distributed.get_world_size()
    store.set(f"{PREFIX}/rank/{rank}", str(measure_every))
    keys = [f"{PREFIX}/rank/{other}" for other in range(world)]
    until = time.monotonic() + AGREE_SECONDS
    answer = "no"
    while time.monotonic() < until:
        if store.check([f"{PREFIX}/answer"]):
            break
        if store.check(keys):
            answer = "yes" if len({bytes(store.get(key)) for key in keys}) == 1 else "no"
            break
        time.sleep(POLL_SECONDS)
    return _decide(store, answer)


def _decide(store: Any, answer: str) -> bool:
    """The first answer in the store counts for every rank, so that a rank that timed out agrees with the others."""
    with contextlib.suppress(Exception):
        decided = store.compare_set(f"{PREFIX}/answer", "", answer)
        return bytes(decided).decode() == "yes"
    return False
