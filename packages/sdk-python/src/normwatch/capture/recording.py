"""The run that captured steps are recorded to."""

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
    """Records to the run that the training has made itself, else to a run of our own. The training's own logs win."""

    def __init__(self, settings: SeenSettings | None, init_arguments: Mapping[str, Any]) -> None:
        self._settings = settings
        self._init_arguments = init_arguments
        self._run: Run | None = None
        self.is_own = False
        """Whether the run was created here. If so, its steps are logged here too."""
        self._agreement = Agreement()
        self._declared: Any = None
        """The clip rule that was declared to the server: the same object, so that it can be compared with `is`."""

    def run(self, optimizer: str | None) -> Run:
        """The run of the training, else a new run of our own. `optimizer`: its name, if there is only one."""
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

    def current(self) -> Run | None:
        """The run that is recorded to now, if there is one already."""
        run = current_run() or self._run
        return run if run is not None and run.is_open else None

    def is_over(self) -> bool:
        """Whether the training has made another run since the last step."""
        run = current_run()
        return self._run is not None and run is not None and run is not self._run

    def note(self, run: Run, readings: Mapping[str, Any]) -> None:
        """Adds readings to the step that the next `run.log` completes."""
        run.note(**(readings if self.is_own else _not_noted(run, readings)))

    def note_clip(self, run: Run, clip: Mapping[str, Any], readings: Mapping[str, Any]) -> None:
        """Adds the readings of a clip call for the whole training."""
        if run.has_noted():
            readings = _not_noted(run, readings)
        if readings:
            run.note_clip(clip, readings)
            if run.noted.declares(clip):
                self._declared = clip

    def compare(self, run: Run, readings: Mapping[str, Any]) -> None:
        """Compares the norm of a step over the ranks. It is the norm of the whole model, so it should be the same."""
        if "grad_norm" in readings:
            said = self._agreement.add(readings["grad_norm"], run.is_open)
            if said is not None:
                run.event("ranks disagree", text=f"The ranks see different norms: {said}")
                run.notices.warn(
                    "ranks",
                    f"the norms recorded are of one rank's gradients, not of the whole model's: {said}",
                )

    def is_usual(self, clip: Mapping[str, Any]) -> bool:
        """Whether a step with this clip rule can be logged at once: nothing new to declare, and nothing else waits."""
        return self.is_own and clip is self._declared


def _not_noted(run: Run, readings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in readings.items() if not run.has_noted(name)}
