"""Hugging Face Trainer: `Trainer(…, callbacks=[NormwatchCallback(project="…")])`."""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback

from .run import Run
from .start import init

NAMES = {"learning_rate": "lr"}


class NormwatchCallback(TrainerCallback):
    """
    Records what the Trainer logs every `logging_steps`, under the Trainer's steps: `grad_norm` (before clipping),
    `loss`, `learning_rate` as `lr`, and the metrics of an evaluation. Takes a run, or the arguments of `normwatch.init`
    for the run it makes (with `max_grad_norm` as cap) and ends. Only the process of world rank 0 records.
    """

    def __init__(self, run: Run | None = None, **init_arguments: Any) -> None:
        self.run = run
        self._init_arguments = init_arguments
        self._is_own = run is None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.run is not None or not state.is_world_process_zero:
            return
        arguments = {
            "name": getattr(args, "run_name", None),
            "max_norm": args.max_grad_norm or None,
            "optimizer": str(getattr(args.optim, "value", args.optim)),
            "config": args.to_sanitized_dict(),
        }
        self.run = init(**{**arguments, **self._init_arguments})

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if self.run is None or logs is None or not state.is_world_process_zero:
            return
        # the summary at the end is no reading of a step
        readings: dict[str, Any] = {
            NAMES.get(name, name): value
            for name, value in logs.items()
            if isinstance(value, (int, float)) and not name.startswith("train_")
        }
        if readings:
            self.run.log(state.global_step, **readings)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.run is not None and self._is_own:
            self.run.finish()
            self.run = None
