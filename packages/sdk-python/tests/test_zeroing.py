"""What capture remembers of gradients that were set to zero in place."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from normwatch.capture import zeroing


class Owner:
    """An optimizer without parameters."""

    param_groups: tuple[dict[str, Any], ...] = ({"params": ()},)

    def zero_grad(self, set_to_none: bool = False) -> None:
        """Has nothing to set to zero."""


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("eager_threads")
def test_a_thread_that_zeroes_its_gradients_does_not_disturb_another_that_asks() -> None:
    zero_grad = zeroing._watched(Owner.zero_grad, lambda: True)
    owners = [Owner() for _ in range(zeroing.KEPT)]
    is_over = threading.Event()

    def train() -> None:
        while not is_over.is_set():
            for owner in owners:
                zero_grad(owner, set_to_none=False)

    threads = [threading.Thread(target=train) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        asked = [zeroing.have_been_zeroed(frozenset((1,)), 0) for _ in range(10_000)]
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    assert not any(asked)
