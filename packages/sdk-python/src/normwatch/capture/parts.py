"""Several optimizers in one training. Each of them trains a part of the run."""

from __future__ import annotations

import weakref
from typing import Any

from ..optimizers import GroupCount, name_of

MAX_OPTIMIZERS = 64
"""The most optimizers in the look-up table, so that a training that creates one per epoch does not fill memory."""


class Part:
    """What one optimizer trains. A training with one optimizer has one part, without a name."""

    def __init__(self, name: str | None, optimizer: Any) -> None:
        self.name = name
        self.kind = name_of(optimizer)
        self.steps = 0
        self.small_gradients = 0
        """How many gradients it had when they were last found to be small (see `are_small`); 0 if they are not."""
        self.clip: Any = None
        """The clip rule that was declared to the run."""
        self._optimizer = weakref.ref(optimizer)
        self._groups = -1
        self.groups = GroupCount()
        self._ids: frozenset[int] = frozenset()

    @property
    def optimizer(self) -> Any:
        return self._optimizer()

    @property
    def ids(self) -> frozenset[int]:
        """The `id()`s of its parameters."""
        optimizer = self._optimizer()
        if optimizer is not None and len(optimizer.param_groups) != self._groups:
            self._groups = len(optimizer.param_groups)
            self._ids = frozenset(id(p) for group in optimizer.param_groups for p in group["params"])
        return self._ids

    def reading(self, name: str) -> str:
        """The name of a reading of this part."""
        return name if self.name is None else f"{name}/{self.name}"

    def follow(self, optimizer: Any) -> None:
        """Switches to another optimizer of the same parameters, such as one created per epoch."""
        self._optimizer, self._groups = weakref.ref(optimizer), -1


class Parts:
    """The parts of a training, keyed by the first parameter of their optimizers."""

    def __init__(self) -> None:
        self._parts: dict[int, Part] = {}
        self._by_optimizer: dict[int, Part] = {}
        """Keyed by the `id()` of the optimizer that stepped. The part checks that it is still the same object."""
        self.single: Part | None = None
        """The only part, as long as there is only one and it needs no name."""
        self._named: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()

    @property
    def count(self) -> int:
        return len(self._parts)

    @property
    def steps(self) -> int:
        """The optimizer steps of all parts."""
        return sum(part.steps for part in self._parts.values())

    def declared(self) -> dict[str, dict[str, Any]]:
        """What to declare to the run: the parts whose clip rule is known."""
        return {
            part.name: {"clip": part.clip, "optimizer": part.kind}
            for part in self._parts.values()
            if part.name is not None and part.clip is not None
        }

    def name(self, optimizer: Any, name: str) -> None:
        self._named[optimizer] = name

    def of(self, optimizer: Any, made: list[weakref.ref[Any]]) -> Part:
        """The part that `optimizer` trains. `made`: all optimizers of this process, stepped or not."""
        part = self._by_optimizer.get(id(optimizer))
        if part is not None and part.optimizer is optimizer:
            return part
        first = next((id(p) for group in optimizer.param_groups for p in group["params"]), 0)
        part = self._parts.get(first)
        if part is None:
            part = Part(self._new_name(optimizer, made), optimizer)
            self._parts[first] = part
            self.single = part if len(self._parts) == 1 and part.name is None else None
        else:
            part.follow(optimizer)
        if len(self._by_optimizer) >= MAX_OPTIMIZERS:
            self._by_optimizer.clear()
        self._by_optimizer[id(optimizer)] = part
        return part

    def forget(self, made: list[weakref.ref[Any]]) -> list[weakref.ref[Any]]:
        """
        Starts another run. Returns those of the optimizers `made` that may train in it. If there are new ones, the
        others belonged to the run before, as in a hyperparameter search.
        """
        stepped = {id(part.optimizer) for part in self._parts.values()}
        self._parts.clear()
        self._by_optimizer.clear()
        self.single = None
        return [ref for ref in made if id(ref()) not in stepped] or made

    def _new_name(self, optimizer: Any, made: list[weakref.ref[Any]]) -> str | None:
        if optimizer in self._named:
            return self._named[optimizer]
        others = [other for other in (ref() for ref in made) if other is not None and other is not optimizer]
        alive = {id(other): other for other in others if not _shares(other, optimizer)}
        if not alive and not self._parts:
            return None
        kind = name_of(optimizer)
        alike = [other for other in (ref() for ref in made) if other is not None and type(other) is type(optimizer)]
        if len(alike) < 2:
            return kind
        return f"{kind}-{1 + next((i for i, other in enumerate(alike) if other is optimizer), len(alike))}"


def _shares(one: Any, other: Any) -> bool:
    """Whether two optimizers train the same parameters. If so, one replaces the other."""
    ids = {id(p) for group in one.param_groups for p in group["params"]}
    return any(id(p) in ids for group in other.param_groups for p in group["params"])
