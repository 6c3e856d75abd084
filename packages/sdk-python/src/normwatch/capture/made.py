"""The optimizers of a process."""

from __future__ import annotations

import weakref
from threading import Lock, get_ident
from typing import Any


class Made:
    """An optimizer of this process, stepped or not."""

    __slots__ = ("part", "ref", "stepped_in", "thread", "was_seen")

    def __init__(self, optimizer: Any, was_seen: bool) -> None:
        self.ref = weakref.ref(optimizer)
        self.was_seen = was_seen
        """Whether its creation was seen. If not, it was created before the capture began."""
        self.thread = get_ident()
        """The thread that created it, or stepped it first."""
        self.stepped_in: Any = None
        """The `Parts` that it last stepped in; None if it has not stepped."""
        self.part: Any = None
        """The `Part` that it last stepped as."""


class MadeOptimizers:
    """All optimizers of this process that are alive, oldest first."""

    def __init__(self) -> None:
        self._made: list[Made] = []
        self._lock = Lock()
        self.count = 0
        """How many were ever added."""

    def __len__(self) -> int:
        return len(self._made)

    @property
    def saw_creation(self) -> bool:
        """Whether a creation was seen. If not, there may be any number of older optimizers."""
        return any(made.was_seen for made in self._made)

    def add(self, optimizer: Any, was_seen: bool = True) -> Made:
        found = Made(optimizer, was_seen)
        with self._lock:
            self.count += 1
            self._made = [*(made for made in self._made if made.ref() is not None), found]
        return found

    def not_stepped(self) -> list[Any]:
        return [optimizer for made in self._made if made.stepped_in is None and (optimizer := made.ref()) is not None]

    def find(self, optimizer: Any) -> Made:
        found = next((made for made in self._made if made.ref() is optimizer), None)
        return self.add(optimizer, was_seen=False) if found is None else found

    def beside(self, one: Made, stepped_in: Any, of_thread: bool) -> list[Any]:
        """
        The optimizers that train together with `one`, and itself, as it steps in `stepped_in`. Those that last stepped
        in another run belong to that run, as in a hyperparameter search, unless `one` stepped there too. If
        `of_thread`, only those of the same thread: another thread has a run of its own.
        """
        return [
            optimizer
            for made in self._made
            if made.stepped_in in (None, stepped_in, one.stepped_in)
            and (made.thread == one.thread or not of_thread)
            and (optimizer := made.ref()) is not None
        ]
