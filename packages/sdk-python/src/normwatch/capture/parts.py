"""Several optimizers in one training. Each of them trains a part of the run."""

from __future__ import annotations

import threading
import weakref
from itertools import chain, count
from typing import Any

from ..noted import MAX_PARTS
from ..optimizers import GroupCount, name_of, parameters_of
from .made import MadeOptimizers
from .measure import kept

MAX_OPTIMIZERS = 64
"""The most optimizers in the look-up table, so that a training that creates one per epoch does not fill memory."""


class Part:
    """What one optimizer trains. A training with one optimizer has one part, without a name."""

    def __init__(self, name: str | None, optimizer: Any) -> None:
        self.name = name
        self.kind = name_of(optimizer)
        self.is_recorded = True
        """False for a part beyond the 16 that a run may have."""
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
            self._ids = frozenset(map(id, parameters_of(optimizer)))
        return self._ids

    def reading(self, name: str) -> str:
        """The name of a reading of this part."""
        return name if self.name is None else f"{name}/{self.name}"

    def rates(self, optimizer: Any) -> dict[str, Any]:
        """The learning rate of each parameter group. A custom optimizer may have none."""
        name = self.reading("lr")
        return {
            name if number == 0 else f"{name}/group-{number}": lr if type(lr) is float else kept(lr)
            for number, group in enumerate(optimizer.param_groups)
            if (lr := group.get("lr")) is not None
        }

    def follow(self, optimizer: Any) -> None:
        """Switches to another optimizer of the same parameters, such as one created per epoch."""
        self._optimizer, self._groups = weakref.ref(optimizer), -1


class Parts:
    """The parts of a training, keyed by the first parameter of their optimizers."""

    def __init__(self, names: weakref.WeakKeyDictionary[Any, str]) -> None:
        """`names`: those that the user gave to optimizers."""
        self._parts: dict[int, Part] = {}
        self._by_optimizer: dict[int, Part] = {}
        """Keyed by the `id()` of the optimizer that stepped. The part checks that it is still the same object."""
        self.single: Part | None = None
        """The only part, as long as there is only one and it needs no name."""
        self._is_alone: tuple[int, bool] = (-1, False)
        """The answer of `is_alone`, and how many optimizers there were then."""
        self._named = names
        self.of_thread = False
        """Whether all optimizers are of one thread: see `MadeOptimizers.beside`."""
        self._lock = threading.Lock()

    def is_alone(self, part: Part, made: MadeOptimizers) -> bool:
        """Whether `part` is the only one, and no optimizer of other parameters waits for its first step."""
        if self.single is not part:
            return False
        if self._is_alone[0] != made.count:
            optimizer = part.optimizer
            self._is_alone = made.count, all(_shares(other, optimizer) for other in made.not_stepped())
        return self._is_alone[1]

    @property
    def steps(self) -> int:
        """The optimizer steps of all parts."""
        return sum(part.steps for part in list(self._parts.values()))

    def of(self, optimizer: Any, made: MadeOptimizers) -> Part:
        """The part that `optimizer` trains."""
        part = self._by_optimizer.get(id(optimizer))
        if part is not None and part.optimizer is optimizer:
            return part
        with self._lock:
            return self._add(optimizer, made)

    def _add(self, optimizer: Any, made: MadeOptimizers) -> Part:
        first = next(map(id, parameters_of(optimizer)), 0)
        part = self._parts.get(first)
        one = made.find(optimizer)
        if part is None:
            part = Part(self._new_name(optimizer, made.beside(one, self, self.of_thread)), optimizer)
            part.is_recorded = part.name is None or self._names_used() < MAX_PARTS
            # the count goes on in another run: ranks of which only one has made a run measure at the same steps
            part.steps = 0 if one.part is None else one.part.steps
            self._parts[first] = part
            self.single = part if len(self._parts) == 1 and part.name is None else None
        else:
            part.follow(optimizer)
        one.stepped_in, one.part = self, part
        if len(self._by_optimizer) >= MAX_OPTIMIZERS:
            self._by_optimizer.clear()
        self._by_optimizer[id(optimizer)] = part
        return part

    def _names_used(self) -> int:
        """How many parts have a name and are recorded."""
        return sum(part.is_recorded and part.name is not None for part in self._parts.values())

    def _new_name(self, optimizer: Any, beside: list[Any]) -> str | None:
        """`beside`: the optimizers that train together, with this one."""
        if optimizer in self._named:
            return self._named[optimizer]
        if not self._parts and all(other is optimizer or _shares(other, optimizer) for other in beside):
            return None
        kind = name_of(optimizer)
        alike = [other for other in beside if type(other) is type(optimizer)]
        name = kind if len(alike) < 2 else f"{kind}-{1 + next(i for i, o in enumerate(alike) if o is optimizer)}"
        taken = {part.name for part in self._parts.values()}
        free = chain((name,), (f"{kind}-{number}" for number in count(len(alike) + 1)))
        return next(name for name in free if name not in taken)


def _shares(one: Any, other: Any) -> bool:
    """Whether two optimizers train the same parameters. If so, one replaces the other."""
    return not set(map(id, parameters_of(one))).isdisjoint(map(id, parameters_of(other)))
