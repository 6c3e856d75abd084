"""Checks the arguments of `log`. Only the invalid readings of a call are dropped. An invalid step drops the call."""

from __future__ import annotations

import operator
import sys
from collections.abc import Mapping
from typing import Any

from .batch_ids import BatchIds
from .names import Names
from .notices import Notices
from .readings import Deferred, LossScale, WrongReading, accept
from .settings import LAYER_PREFIX, MAX_STEP, MAX_TIME

SKIPPED = "skipped"
"""The only reading that may be a boolean, for the run or for a part (`skipped/critic`)."""


class Recorder:
    """Checks readings. `Run.log` skips these checks for floats whose names were seen before."""

    def __init__(self, notices: Notices, names: Names) -> None:
        self._notices = notices
        self._names = names
        self._tensor: type | None = None
        """torch.Tensor, once a reading has been one."""

    def check_readings(self, readings: dict[str, Any]) -> bool:
        """Replaces values by readings in place, and removes invalid ones. Returns whether all are floats now."""
        for name, value in readings.items():
            kind = type(value)
            if kind is float:
                continue
            # fast path for the usual step of a training on a CPU
            if kind is not self._tensor or not value.is_cpu:
                return self._check_each(readings)
            try:
                number = value.item()
            except (RuntimeError, ValueError):  # not exactly one number
                return self._check_each(readings)
            if type(number) is not float:
                return self._check_each(readings)
            readings[name] = number
        return True

    def _check_each(self, readings: dict[str, Any]) -> bool:
        self._tensor = getattr(sys.modules.get("torch"), "Tensor", None)
        is_plain = True
        for name, value in list(readings.items()):
            if type(value) is float:
                continue
            if isinstance(value, (Deferred, LossScale, BatchIds)):
                is_plain = False
                continue
            try:
                reading = accept(_as_number(value) if name.partition("/")[0] == SKIPPED else value)
            except WrongReading as error:
                del readings[name]
                self._notices.wrong_use(name, str(error))
                continue
            if reading is None:
                del readings[name]
            else:
                readings[name] = reading
                is_plain = is_plain and isinstance(reading, float)
        return is_plain

    def check_names(self, readings: dict[str, Any]) -> None:
        """Removes readings whose names the server would refuse."""
        for name, value in list(readings.items()):
            names_itself = isinstance(value, BatchIds) or (isinstance(value, Deferred) and value.names_readings)
            fault = None if names_itself else self._names.fault(name)
            if fault is not None:
                del readings[name]
                self._notices.wrong_use(name, fault.sentence, fault.kind)

    def step(self, step: object) -> int | None:
        """The step as an int, or None if it is invalid."""
        try:
            number = -1 if isinstance(step, bool) else operator.index(step)  # type: ignore[arg-type]
        except TypeError:
            number = -1
        if 0 <= number <= MAX_STEP:
            return number
        self._notices.wrong_use("step", f"must be a whole number from 0 to 2^53 - 1, not {step!r}")
        return None

    def is_time(self, time: object) -> bool:
        if isinstance(time, (int, float)) and not isinstance(time, bool) and 0 <= time <= MAX_TIME:
            return True
        self._notices.wrong_use("time", f"must be Unix seconds, not {time!r}")
        return False

    def add_layers(self, layers: Mapping[str, Any], readings: dict[str, Any]) -> None:
        if isinstance(layers, Mapping):
            readings.update({LAYER_PREFIX + str(name): norm for name, norm in layers.items()})
        else:
            self._notices.wrong_use("layers", f"must map layer names to norms, not {type(layers).__name__}")

    def add_scale(self, scaler: Any, readings: dict[str, Any]) -> None:
        """Adds the scale of a GradScaler without waiting for the device. Adds nothing if the scaler is disabled."""
        if not (hasattr(scaler, "get_scale") and hasattr(scaler, "is_enabled")):
            self._notices.wrong_use("scaler", f"must be a GradScaler, not {type(scaler).__name__}")
        elif scaler.is_enabled():
            tensor = getattr(scaler, "_scale", None)
            # a copy, as the scaler changes its own tensor in place
            reading = accept(scaler.get_scale() if tensor is None else tensor.detach().clone())
            if reading is not None:
                readings["loss_scale"] = LossScale(reading)


def _as_number(value: Any) -> Any:
    """A boolean of Python, NumPy or torch as a number; any other value unchanged. Does not wait for a device."""
    if type(value).__name__ in ("bool", "bool_"):
        return float(value)
    return value.float() if str(getattr(value, "dtype", None)) == "torch.bool" else value
