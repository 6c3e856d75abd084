"""accelerate: `Accelerator(log_with=NormwatchTracker(project="…"))`."""

from __future__ import annotations

from typing import Any

from accelerate import PartialState
from accelerate.tracking import GeneralTracker

from .run import Run
from .start import init


class NormwatchTracker(GeneralTracker):
    """
    A tracker for `Accelerator(log_with=…)`. Records what `accelerator.log({"loss": loss}, step=step)` logs, and the
    config given to `init_trackers`. To record norms, call `normwatch.clip_grad_norm_`, if needed with
    `run=accelerator.get_tracker("normwatch").tracker`. Takes a run, or the arguments of `normwatch.init`. Only the main
    process records.
    """

    name = "normwatch"
    requires_logging_directory = False

    def __init__(self, run: Run | None = None, **init_arguments: Any) -> None:
        super().__init__()
        self._run = run
        self._init_arguments = init_arguments

    def start(self) -> None:
        self._ensure()

    @property
    def tracker(self) -> Run | None:
        """The run; None on every process but the main one."""
        return self._run

    def _ensure(self) -> Run | None:
        if self._run is None and PartialState().is_main_process:
            self._run = init(**self._init_arguments)
        return self._run

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        run = self._ensure()
        if run is not None:
            run.config.update(values)

    def log(self, values: dict[str, Any], step: int | None = None, **_: Any) -> None:
        run = self._ensure()
        if run is not None:
            run.log(values, step)

    def finish(self) -> None:
        if self._run is not None:
            self._run.finish()
