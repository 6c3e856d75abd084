"""A part of a run: one of several networks that a training clips separately, such as a generator and a critic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import clipping
from .batcher import StepCounter
from .noted import with_part
from .optimizers import LearningRates

if TYPE_CHECKING:
    import torch

    from .clipping import Parameters
    from .run import Run


class Part:
    """
    Created by `run.part(name)`. Its readings are recorded under its name: `grad_norm/critic`. `log` counts the part's
    own steps. If all parts step together, call `run.log` instead: it records the readings of all their clip calls as
    one step.
    """

    def __init__(self, run: Run, name: str, first_step: int) -> None:
        self.run = run
        self.name = name
        self.steps = StepCounter(first_step)
        self.rates: LearningRates | None = None

    def log(
        self,
        data: Mapping[str, Any] | int | None = None,
        /,
        step: int | None = None,
        *,
        time: float | None = None,
        **readings: Any,
    ) -> None:
        """Logs the readings of one step of this part, as `run.log` does for a run: `critic.log(loss=…)`."""
        self.run.log_part(self, data, step, time, readings)

    def clip_grad_norm_(
        self,
        parameters: Parameters,
        max_norm: float,
        norm_type: float = 2.0,
        error_if_nonfinite: bool = False,
        foreach: bool | None = None,
    ) -> torch.Tensor:
        """`normwatch.clip_grad_norm_`, recorded for this part."""
        return clipping.clip_grad_norm_(
            parameters, max_norm, norm_type, error_if_nonfinite, foreach, run=self.run, part=self.name
        )

    def clip_grad_value_(self, parameters: Parameters, clip_value: float, foreach: bool | None = None) -> None:
        """`normwatch.clip_grad_value_`, recorded for this part."""
        clipping.clip_grad_value_(parameters, clip_value, foreach, run=self.run, part=self.name)

    def grad_norm(self, parameters: Parameters, norm_type: float = 2.0) -> torch.Tensor:
        """`normwatch.grad_norm`, recorded for this part."""
        return clipping.grad_norm(parameters, norm_type, run=self.run, part=self.name)

    def renamed(self, readings: Mapping[str, Any]) -> dict[str, Any]:
        """The readings, renamed for this part."""
        return {with_part(name, self.name): value for name, value in readings.items()}

    def __repr__(self) -> str:
        return f"<part {self.name!r} of {self.run!r}>"
