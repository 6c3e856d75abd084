"""Reads optimizers as users pass them: wrapped by frameworks, in lists, or with several parameter groups."""

from __future__ import annotations

from typing import Any

MAX_WRAPPERS = 8
MAX_GROUPS = 16
MAX_NAME = 128


def unwrap(optimizer: Any) -> Any:
    """The optimizer inside the wrappers of accelerate, DeepSpeed, Lightning and Keras."""
    for _ in range(MAX_WRAPPERS):
        inner = next(
            (
                candidate
                for name in ("optimizer", "inner_optimizer", "fused_optimizer")
                if (candidate := getattr(optimizer, name, None)) is not None
                and (hasattr(candidate, "param_groups") or name == "inner_optimizer")
            ),
            None,
        )
        if inner is None:
            return optimizer
        optimizer = inner
    return optimizer


def parameters_of(optimizer: Any) -> list[Any]:
    """All parameters that a torch optimizer trains, in the order of its groups."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def name_of(optimizer: Any) -> str:
    """`adamw`; of several, their names: `adam, sgd`."""
    if isinstance(optimizer, str):
        return optimizer[:MAX_NAME]
    if isinstance(optimizer, (list, tuple)):
        return ", ".join(dict.fromkeys(map(name_of, optimizer)))[:MAX_NAME]
    return type(unwrap(optimizer)).__name__.lower()[:MAX_NAME]


class GroupCount:
    """The number of an optimizer's parameter groups, to notice groups that are added or removed."""

    def __init__(self) -> None:
        self._count = 0

    def change(self, optimizer: Any) -> str | None:
        """A description of the change since the last call. None if there is none, and for the first call."""
        count = len(optimizer.param_groups)
        before, self._count = self._count, count
        return None if before in (0, count) else f"parameter groups: {before} → {count}"


class LearningRates:
    """The learning rates of a torch optimizer: of the first group, and of any group that once differed from it."""

    def __init__(self, optimizer: Any) -> None:
        self._optimizer = optimizer
        self._groups = GroupCount()
        self._groups.change(optimizer)
        self._differing: set[int] = set()

    @staticmethod
    def of(optimizer: Any) -> LearningRates | None:
        """None if `optimizer` is not a torch optimizer, or is a list of several."""
        inner = unwrap(optimizer)
        return LearningRates(inner) if getattr(inner, "param_groups", None) else None

    def first(self) -> Any:
        return self._optimizer.param_groups[0]["lr"]

    def change_of_groups(self) -> str | None:
        """See `GroupCount.change`."""
        return self._groups.change(self._optimizer)

    def add(self, readings: dict[str, Any], lr: Any) -> None:
        """Adds `lr`, and `lr/group-1` and so on, to `readings`."""
        readings["lr"] = lr
        groups = self._optimizer.param_groups
        for number in range(1, min(len(groups), MAX_GROUPS)):
            rate = groups[number]["lr"]
            # a rate may be a tensor on a device, and comparing it would wait for the device
            if number in self._differing or type(rate) is not float or type(lr) is not float or rate != lr:
                self._differing.add(number)
                readings[f"lr/group-{number}"] = rate
