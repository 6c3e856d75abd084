"""
For the Hugging Face Trainer: `Trainer(…, callbacks=[NormwatchCallback(project="…")])`. Importing this module also
registers `TrainingArguments(report_to="normwatch")`.
"""

from __future__ import annotations

import functools
import threading
from typing import Any

from accelerate import Accelerator
from transformers import TrainerCallback
from transformers.integrations import integration_utils
from transformers.trainer_callback import ExportableState

from .clipping import layers_after_clipping, whole
from .config import plain_value
from .current import make_current
from .optimizers import LearningRates
from .parameters import Given
from .run import Run
from .start import init

NAMES = {"learning_rate": "lr"}
OWN_NAMES = frozenset(("loss", "grad_norm", "lr"))
"""Recorded at every step. What the Trainer itself logs under these names, only now and then, is ignored."""


class NormwatchCallback(TrainerCallback, ExportableState):
    """
    Records every optimizer step under the Trainer's step number, for any `logging_steps`: `grad_norm` before clipping
    (the norm that the Trainer computes anyway), the loss of the step (the mean of its batches on this process, which
    may be NaN), `lr` and the loss scale. With `log_layers=True`, also the norm of each layer. Other values are recorded
    when the Trainer logs them. Takes a run, or the arguments of `normwatch.init` for a run that it creates (with
    `max_grad_norm` as cap) and ends. Only the process of world rank 0 records. A checkpoint keeps the run's id, so that
    a training that resumes from it continues that run.
    """

    def __init__(self, run: Run | None = None, **init_arguments: Any) -> None:
        self.run = run
        self.run_id: str | None = None
        self._init_arguments = init_arguments
        self._is_own = run is None
        self._thread: int | None = None
        self._model: Any = None
        self._records_steps = False
        """Whether this callback recorded the last step. If not, what the Trainer logs is all there is."""
        self._reset_step()

    def _reset_step(self) -> None:
        self._norm: Any = None
        self._layers: Any = None
        self._loss: Any = None
        self._scaler: Any = None
        self._rates: dict[str, Any] = {}

    def state(self) -> dict[str, Any]:
        """The state in a checkpoint: plain data that loads without this package."""
        plain = {name: plain_value(value, 8) for name, value in self._init_arguments.items()}
        return {"args": plain, "attributes": {"run_id": None if self.run is None else self.run.id}}

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        _watching.add(self)
        self._thread = threading.get_ident()
        self._model = model
        self._reset_step()
        if not state.is_world_process_zero:
            return
        if self.run is None:
            arguments = {
                "name": getattr(args, "run_name", None),
                "max_norm": args.max_grad_norm or None,
                "optimizer": str(getattr(args.optim, "value", args.optim)),
                "config": args.to_sanitized_dict(),
            }
            resumed = self._resumed_id(state)
            if resumed is not None and "id" not in self._init_arguments:
                arguments.update(id=resumed, resume=True, from_step=state.global_step + 1)
            self.run = init(**{**arguments, **self._init_arguments})
        else:
            make_current(self.run)

    def _resumed_id(self, state: Any) -> str | None:
        if not state.global_step:
            return None
        kept = (getattr(state, "stateful_callbacks", None) or {}).get(type(self).__name__) or {}
        kept = kept[0] if isinstance(kept, list) and kept else kept
        run_id = kept.get("attributes", {}).get("run_id") if isinstance(kept, dict) else None
        return run_id or self.run_id

    def heard_loss(self, loss: Any) -> None:
        """Takes the loss of one batch, already divided by the number of batches in the step."""
        part = loss.detach()
        self._loss = part if self._loss is None else self._loss + part

    def heard_norm(self, accelerator: Any, max_norm: Any, norm: Any) -> None:
        """Takes the norm of the coming step, after the gradients were clipped."""
        self._norm, self._scaler = whole(norm), accelerator.scaler
        if self.run is not None and self.run.log_layers and self._model is not None:
            self._layers = layers_after_clipping(Given(self._model.named_parameters()), norm, max_norm, self.run)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, optimizer: Any = None, **_: Any) -> None:
        rates = LearningRates.of(optimizer)
        self._rates = {}
        if rates is not None:
            rates.add(self._rates, rates.first())

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.run is not None and self._norm is not None:
            readings = {"grad_norm": self._norm, "loss": self._loss, **self._rates}
            self.run.note(**(self._layers or {}))
            self.run.log(state.global_step, scaler=self._scaler, **readings)
        self._records_steps = self._norm is not None
        self._reset_step()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if self.run is None or logs is None or not state.is_world_process_zero:
            return
        # the summary at the end of training is not a reading of a step
        named = {NAMES.get(name, name): value for name, value in logs.items() if not name.startswith("train_")}
        readings = {
            name: value
            for name, value in named.items()
            if (isinstance(value, (int, float)) or hasattr(value, "item"))
            and not (self._records_steps and name in OWN_NAMES)
        }
        if readings:
            self.run.log(state.global_step, **readings)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        _watching.remove(self)
        self._model = None
        if self.run is not None and self._is_own:
            self.run_id = None
            self.run.finish()
            self.run = None


class _Watching:
    """The callbacks whose trainings are running. Accelerate's methods are wrapped only while there is at least one."""

    def __init__(self) -> None:
        self._callbacks: list[NormwatchCallback] = []
        self._originals: dict[str, Any] = {}

    def add(self, callback: NormwatchCallback) -> None:
        if callback not in self._callbacks:
            self._callbacks.append(callback)
        if not self._originals:
            self._originals = {name: getattr(Accelerator, name) for name in ("backward", "clip_grad_norm_")}
            Accelerator.backward = self._wrap_backward(Accelerator.backward)
            Accelerator.clip_grad_norm_ = self._wrap_clip(Accelerator.clip_grad_norm_)

    def remove(self, callback: NormwatchCallback) -> None:
        if callback in self._callbacks:
            self._callbacks.remove(callback)
        if not self._callbacks:
            for name, original in self._originals.items():
                setattr(Accelerator, name, original)
            self._originals = {}

    def _tell(self, what: str, *about: Any) -> None:
        for callback in self._callbacks:
            if callback._thread == threading.get_ident():
                try:
                    getattr(callback, what)(*about)
                except Exception as error:
                    if callback.run is not None:
                        callback.run.notices.warn(what, f"a step is not recorded: {type(error).__name__}: {error}")

    def _wrap_backward(self, original: Any) -> Any:
        @functools.wraps(original)
        def backward(accelerator: Any, loss: Any, *arguments: Any, **named: Any) -> Any:
            self._tell("heard_loss", loss)
            return original(accelerator, loss, *arguments, **named)

        return backward

    def _wrap_clip(self, original: Any) -> Any:
        @functools.wraps(original)
        def clip_grad_norm_(accelerator: Any, parameters: Any, max_norm: Any, *arguments: Any, **named: Any) -> Any:
            norm = original(accelerator, parameters, max_norm, *arguments, **named)
            if norm is not None:
                self._tell("heard_norm", accelerator, max_norm, norm)
            return norm

        return clip_grad_norm_


_watching = _Watching()
integration_utils.INTEGRATION_TO_CALLBACK["normwatch"] = NormwatchCallback
