"""The run that captured steps are recorded to, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..current import current_run
from ..run import Run
from ..start import init
from .agreement import Agreement
from .run_config import training_config
from .seen_settings import SeenSettings


class Recording:
    """A run made by hand, else one of our own. What is logged by hand wins."""

    def __init__(self, settings: SeenSettings | None, init_arguments: Mapping[str, Any]) -> None:
        self._settings = settings
        self._init_arguments = init_arguments
        self._run: Run | None = None
        self.is_own = False
        """Whether the run was begun here: then its steps are logged here too."""
        self._agreement = Agreement()
        self._declared: Any = None
        """The clip rule that the server knows of, the very object that came with it."""

    def run(self, optimizer: str | None) -> Run:
        """The run made by hand, or else one of our own, which begins now. `optimizer`: the name of the only one."""
        run = current_run()
        if run is not None and run is self._run:
            return run
        if run is not None:
            self._run, self.is_own, self._declared = run, False, None
        if self._run is None or not (self._run.is_open or self.is_own):
            self.is_own, self._declared = True, None
            arguments: dict[str, Any] = {}
            if self._settings is not None:
                arguments["config"] = {**training_config(), **self._settings.as_config()}
            if optimizer is not None:
                arguments["optimizer"] = optimizer
            self._run = init(**{**arguments, **self._init_arguments})
        return self._run

    def is_over(self) -> bool:
        """Whether the user has made another run since the last step."""
        run = current_run()
        return self._run is not None and run is not None and run is not self._run

    def note(self, run: Run, readings: Mapping[str, Any]) -> None:
        """Readings of the step that `run.log` will complete."""
        run.note(**(readings if self.is_own else _not_noted(run, readings)))

    def note_clip(self, run: Run, clip: Mapping[str, Any], readings: Mapping[str, Any]) -> None:
        """What a clip call of the whole training found."""
        if run.has_noted():
            readings = _not_noted(run, readings)
        if readings:
            run.note_clip(clip, readings)
            if run.noted.declares(clip):
                self._declared = clip

    def compare(self, run: Run, readings: Mapping[str, Any]) -> None:
        """The norm of a step should be the same on every rank: it is the whole model's."""
        if "grad_norm" in readings:
            said = self._agreement.add(readings["grad_norm"], run.is_open)
            if said is not None:
                run.event("ranks disagree", text=f"The ranks see different norms: {said}")
                run.notices.warn(
                    "ranks",
                    f"the norms recorded are of one rank's gradients, not of the whole model's: {said}",
                )

    def is_usual(self, clip: Mapping[str, Any]) -> bool:
        """Whether a step that was clipped so can be logged at once: nothing else has to be told, or waits."""
        return self.is_own and clip is self._declared


def _not_noted(run: Run, readings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in readings.items() if not run.has_noted(name)}
