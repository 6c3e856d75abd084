"""Lightning: `Trainer(gradient_clip_val=1.0, callbacks=[NormwatchCallback(project="…")])`."""

from __future__ import annotations

import signal
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

try:
    from lightning.fabric.utilities.rank_zero import rank_zero_only
    from lightning.pytorch import Callback
    from lightning.pytorch.loggers.logger import Logger
except ImportError:
    from lightning_fabric.utilities.rank_zero import rank_zero_only
    from pytorch_lightning import Callback
    from pytorch_lightning.loggers.logger import Logger

from .clipping import before_clamping, measure
from .current import make_current
from .lifecycle import status_after
from .noted import Clip, with_part
from .optimizers import LearningRates, name_of, parameters_of, unwrap
from .parameters import Given
from .run import Run
from .start import init


class NormwatchCallback(Callback):
    """
    Records for each optimizer step: the norm before Lightning clips, the mean loss of its batches, the learning rates
    and the loss scale. The norm is measured by a pass over the optimizer's gradients, without waiting for the device.
    Also works with manual optimisation that calls `self.clip_gradients(…)`. Several optimizers become parts of the run,
    named after the module that each trains, and each counts its own steps. Takes a run, or the arguments of
    `normwatch.init` for a run that it creates (with `gradient_clip_val` as cap) and ends. With a `NormwatchLogger`, it
    records to the logger's run. Only global rank 0 records. A checkpoint keeps the run's id, so that a training that
    resumes from it continues that run.
    """

    def __init__(self, run: Run | None = None, **init_arguments: Any) -> None:
        self.run = run
        self._init_arguments = init_arguments
        self._is_own = run is None
        self._run_id: str | None = None
        self._resumed: dict[str, Any] = {}
        self._watched: dict[int, _Watched] = {}
        self._names: dict[int, str] = {}
        self._loss: Any = None
        self._batches = 0

    def state_dict(self) -> dict[str, Any]:
        if self._run_id is None:
            return {}
        steps = {watched.part: watched.steps for watched in self._watched.values() if watched.part is not None}
        return {"run": self._run_id, "steps": steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._resumed = dict(state_dict)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        parts = _parts_of(trainer.optimizers, pl_module)
        self._watched = {
            id(unwrap(optimizer)): _Watched(unwrap(optimizer), part)
            for optimizer, part in zip(trainer.optimizers, parts)
        }
        for watched in self._watched.values():
            watched.steps = self._resumed.get("steps", {}).get(watched.part, 0)
        logger = next((logger for logger in trainer.loggers if isinstance(logger, NormwatchLogger)), None)
        if not trainer.is_global_zero:
            self.run = None
        elif self.run is None and logger is not None:
            self.run, self._is_own = logger.experiment, False
            make_current(self.run)
        elif self.run is None:
            self.run = init(**{**self._arguments(trainer), **self._init_arguments})
        else:
            make_current(self.run)
        self._run_id = self._resumed.get("run") if self.run is None else self.run.id
        if self.run is not None and self.run.log_layers:
            self._names = {id(parameter): name for name, parameter in pl_module.named_parameters()}
        self._watch_clipping(trainer)

    def _arguments(self, trainer: Any) -> dict[str, Any]:
        optimizers = trainer.optimizers
        arguments: dict[str, Any] = {"optimizer": name_of(optimizers)}
        if len(optimizers) == 1:
            by_value = _is_by_value(trainer.gradient_clip_algorithm)
            arguments["clip_value" if by_value else "max_norm"] = trainer.gradient_clip_val or None
        if self._resumed.get("run") and "id" not in self._init_arguments:
            first_step = max([trainer.global_step, *self._resumed.get("steps", {}).values()])
            arguments.update(id=self._resumed["run"], resume=True, from_step=first_step)
        return arguments

    def _watch_clipping(self, trainer: Any) -> None:
        """Wraps the method that every way of clipping in Lightning calls, before the gradients change."""
        plugin = trainer.precision_plugin
        clip = plugin.clip_gradients

        def measure_then_clip(optimizer: Any, clip_val: Any = 0.0, *arguments: Any, **named: Any) -> Any:
            cap = float(clip_val or 0.0)
            watched = self._watched.get(id(unwrap(optimizer)))
            if cap > 0 and watched is not None:
                if watched.has_stepped and not trainer.lightning_module.automatic_optimization:  # twice in one batch
                    self._log_step(watched, trainer, None)
                algorithm = named.get("gradient_clip_algorithm", arguments[0] if arguments else None)
                by_value = _is_by_value(algorithm)
                rule: Clip = {"mode": "value", "clip_value": cap} if by_value else {"mode": "norm", "max_norm": cap}
                self._measure(watched, rule)
            return clip(optimizer, clip_val, *arguments, **named)

        plugin.__dict__["clip_gradients"] = measure_then_clip

    def _measure(self, watched: _Watched, rule: Clip) -> None:
        """
        Notes the norm and the clip rule. Runs on every rank, because all ranks measure sharded gradients together.
        """
        run = self.run
        try:
            given = watched.given(self._names)
            if given.local_reason is not None:
                if run is not None:
                    run.notices.warn("local norm", f"the norm is not recorded: {given.local_reason}")
                return
            readings: dict[str, Any] = {}
            if rule["mode"] == "value":
                readings = before_clamping(given, rule["clip_value"])
                readings.pop("grad_norm" if watched.is_measured else "", None)
            elif not watched.is_measured:
                readings = measure(given)
            watched.is_measured = True
            if run is not None and run.is_open:
                run.noted.clip(watched.part, None, rule, readings)
        except Exception as error:
            if run is not None:
                run.notices.warn("lightning", f"gradients could not be measured: {type(error).__name__}: {error}")

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        watched = self._watched.get(id(unwrap(optimizer)))
        if watched is None:
            return
        if watched.has_stepped:  # twice in one batch
            self._log_step(watched, trainer, None)
        # the training may have clipped with normwatch.clip_grad_norm_ itself
        by_hand = self.run is not None and self.run.has_noted(with_part("grad_norm", watched.part))
        if not watched.is_measured and not by_hand:
            self._measure(watched, {"mode": "none"})
        watched.has_stepped = True
        if watched.part is None:
            watched.steps = trainer.global_step

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self.run is None:
            return
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if loss is not None:
            # Lightning has divided the loss of each batch by the number of batches that it accumulates
            divided = trainer.accumulate_grad_batches if pl_module.automatic_optimization else 1
            part = (loss.detach() if hasattr(loss, "detach") else loss) * divided
            self._loss = part if self._loss is None else self._loss + part
            self._batches += 1
        stepped = [watched for watched in self._watched.values() if watched.has_stepped]
        if not stepped:
            return
        loss = None if self._loss is None else self._loss / self._batches
        self._loss, self._batches = None, 0
        for watched in stepped:
            self._log_step(watched, trainer, loss)
        if loss is not None and stepped[0].part is not None:
            self.run.log(max(watched.steps for watched in stepped) - 1, loss=loss)

    def _log_step(self, watched: _Watched, trainer: Any, loss: Any) -> None:
        watched.has_stepped = watched.is_measured = False
        if self.run is None:
            return
        readings: dict[str, Any] = {}
        rates = LearningRates.of(watched.optimizer)
        if rates is not None:
            rates.add(readings, rates.first())
        if watched.part is None:
            scaler = getattr(trainer.precision_plugin, "scaler", None)
            self.run.log(watched.steps, loss=loss, scaler=scaler, **readings)
        else:
            self.run.part(watched.part).log(watched.steps, lr=readings.get("lr"))
            watched.steps += 1

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self._end(trainer, "finished")

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        # raised by Lightning's own SIGTERM handler
        is_signal = type(exception).__name__ == "SIGTERMException"
        self._end(trainer, status_after(signal.SIGTERM) if is_signal else "failed")

    def _end(self, trainer: Any, status: str) -> None:
        trainer.precision_plugin.__dict__.pop("clip_gradients", None)
        if self.run is not None and self._is_own:
            self.run.finish(status)
            self.run = None


class _Watched:
    """One optimizer of the training, and its state since its last step."""

    def __init__(self, optimizer: Any, part: str | None) -> None:
        self.optimizer = optimizer
        self.part = part
        self.steps = 0
        self.is_measured = False
        self.has_stepped = False

    def given(self, names: dict[int, str]) -> Given:
        parameters = parameters_of(self.optimizer)
        return Given([(names.get(id(one), "other"), one) for one in parameters] if names else parameters)


def _is_by_value(algorithm: Any) -> bool:
    """Whether clipping is by value. `algorithm` is a text or an enumeration member."""
    return str(getattr(algorithm, "value", algorithm)).lower() == "value"


def _parts_of(optimizers: list[Any], module: Any) -> list[str | None]:
    """The part of each optimizer: the name of the module that it trains, or its number if it trains several."""
    if len(optimizers) == 1:
        return [None]
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    modules = []
    for optimizer in optimizers:
        parameters = parameters_of(unwrap(optimizer))
        modules.append({names.get(id(parameter), "").partition(".")[0] for parameter in parameters})
    single = [next(iter(found)) if len(found) == 1 else "" for found in modules]
    if all(single) and len(set(single)) == len(single):
        return list(single)
    return [str(number + 1) for number in range(len(optimizers))]


class NormwatchLogger(Logger):
    """
    A Lightning logger: `Trainer(logger=NormwatchLogger(project="…"))`. Records what `self.log` logs, and the module's
    hyperparameters as config. Takes a run, or the arguments of `normwatch.init`. Add a `NormwatchCallback` to record
    norms; both record to the same run. Only global rank 0 records.
    """

    def __init__(self, run: Run | None = None, **init_arguments: Any) -> None:
        super().__init__()
        self._run = run
        self._init_arguments = init_arguments
        self._is_own = run is None

    @property
    def experiment(self) -> Run:
        """The run, created when it is first read. On other ranks, a run that records nothing."""
        if self._run is None:
            is_off = {} if getattr(rank_zero_only, "rank", 0) == 0 else {"mode": "disabled"}
            self._run = init(**{**self._init_arguments, **is_off})
        return self._run

    @property
    def name(self) -> str:
        return str(self._init_arguments.get("project") or "normwatch")

    @property
    def version(self) -> str:
        return self.experiment.id

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        self.experiment.config.update(params)

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        self.experiment.log(dict(metrics), step)

    def finalize(self, status: str) -> None:
        if self._run is not None and self._is_own:
            self._run.finish("finished" if status == "success" else "failed")
