"""Keras 3: `model.fit(…, callbacks=[NormwatchCallback(project="…")])`."""

from __future__ import annotations

from typing import Any

import keras

from .optimizers import name_of, unwrap
from .readings import StepReadings
from .run import Run
from .start import init

READINGS = "normwatch"
NO_NORM = -1.0
"""Stands for a norm if no update was made because a gradient was not finite (mixed precision)."""


class NormwatchCallback(keras.callbacks.Callback):
    """
    Records the global norm of the gradients before the optimiser clips, one reading per update of the weights, on any
    backend. Works with mixed precision (the norm is unscaled) and gradient accumulation. The compiled step returns the
    norm. Nothing is added to the state of the model or the optimiser, so nothing extra is saved with them. `loss` and
    the other metrics are what Keras reports: means since the start of the epoch. `val_…` metrics are recorded with the
    last step of their epoch. Takes a run, or the arguments of `normwatch.init` for a run that it creates and ends.
    """

    def __init__(self, run: Run | None = None, **init_arguments: Any) -> None:
        super().__init__()
        self.run = run
        self._init_arguments = init_arguments
        self._is_own = run is None
        self._probe: Any = None
        self._batches = 0
        self._steps = 0

    def on_train_begin(self, logs: Any = None) -> None:
        optimizer = unwrap(self.model.optimizer)
        if self.run is None:
            self.run = init(**{**_arguments_of(optimizer), **self._init_arguments})
            if optimizer.clipnorm:
                self.run.config.update({"clipnorm": optimizer.clipnorm})
        if not self.run.is_open:
            return
        self._batches = 0
        make_probe = {"torch": _TorchProbe, "jax": _JaxProbe, "tensorflow": _TensorFlowProbe}[keras.backend.backend()]
        self._probe = make_probe(self.model, optimizer, self.run, self._steps)
        self._probe.make_train_function(self.model)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.run is None or self._probe is None:
            return
        batches = batch + 1 - self._batches if batch >= self._batches else 1  # more than 1 with steps_per_execution
        self._batches = batch + 1
        self._steps = self._probe.end_batch(batches, dict(logs or {}))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._batches = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        validation = {name: value for name, value in (logs or {}).items() if name.startswith("val_")}
        if self.run is not None and validation:
            self.run.log(max(0, self._steps - 1), **validation)

    def on_train_end(self, logs: Any = None) -> None:
        if self._probe is not None:
            self._probe.remove()
            self._probe = None
            self.model.train_function = None
        if self.run is not None and self._is_own:
            self.run.finish()
            self.run = None


def _arguments_of(optimizer: Any) -> dict[str, Any]:
    return {
        "optimizer": name_of(optimizer),
        "max_norm": None if optimizer.clipnorm else optimizer.global_clipnorm or None,
        "clip_value": None if optimizer.clipnorm or optimizer.global_clipnorm else optimizer.clipvalue or None,
    }


class _Probe:
    """Measures the gradients before an optimiser clips them, inside the step that the backend compiles."""

    names: tuple[str, ...]

    def __init__(self, model: Any, optimizer: Any, run: Run, first_step: int) -> None:
        self._optimizer = optimizer
        self._outer = model.optimizer
        self._run = run
        self._every = optimizer.gradient_accumulation_steps or 1
        self._seen_batches = int(keras.ops.convert_to_numpy(optimizer._iterations)) % self._every
        self._next_step = first_step
        self._clip_value = _arguments_of(optimizer)["clip_value"]
        self.names = ("grad_norm", "lr") if self._clip_value is None else ("grad_norm", "lr", *BY_VALUE)
        optimizer.__dict__["_clip_gradients"] = self._measure_then_clip

    def make_train_function(self, model: Any) -> None:
        """Compiles the step again, because a step that was compiled earlier does not contain the probe."""
        model.make_train_function(force=True)

    def remove(self) -> None:
        self._optimizer.__dict__.pop("_clip_gradients", None)

    def _measure_then_clip(self, gradients: list[Any]) -> list[Any]:
        self._measure([gradient for gradient in gradients if gradient is not None])
        clipped: list[Any] = type(self._optimizer)._clip_gradients(self._optimizer, gradients)
        return clipped

    def _measure(self, gradients: list[Any]) -> None:
        try:
            self.measured(self._readings(gradients))
        except Exception as error:  # the training goes on without its norms
            self._run.notices.warn("keras", f"gradients could not be measured: {type(error).__name__}: {error}")

    def measured(self, readings: list[Any]) -> None:
        """Passes the readings of an update, in the order of `names`, out of the step."""
        raise NotImplementedError

    def take(self) -> Any:
        """The readings of this batch's update, or None if mixed precision skipped the update."""
        raise NotImplementedError

    def end_batch(self, batches: int, metrics: dict[str, Any]) -> int:
        """Logs the updates that the last batches completed. Returns the step of the next update."""
        self._seen_batches += batches
        updates, self._seen_batches = divmod(self._seen_batches, self._every)
        for _ in range(updates):
            self._log(self._next_step, metrics)
            self._next_step += 1
        return self._next_step

    def _log(self, step: int, metrics: dict[str, Any]) -> None:
        update = self.take()
        readings: dict[str, Any] = {"skipped": 1.0} if update is None else {"update": update}
        self._run.log(step, **readings, **metrics)

    def _scale(self) -> Any:
        """The factor that the gradients were multiplied by."""
        return 1.0

    def _readings(self, gradients: list[Any]) -> list[Any]:
        ops = keras.ops
        scale = self._scale()
        dense = [ops.cast(ops.convert_to_tensor(gradient), "float32") / scale for gradient in gradients]
        squares = sum(ops.sum(ops.square(gradient)) for gradient in dense)
        readings = [ops.sqrt(squares), ops.cast(self._optimizer._get_current_learning_rate(), "float32")]
        if self._clip_value is not None:
            sizes = [ops.abs(gradient) for gradient in dense]
            clamped = sum(ops.sum(ops.cast(size > self._clip_value, "float32")) for size in sizes)
            largest = ops.max(ops.stack([ops.max(size) for size in sizes]))
            readings += [largest, clamped / ops.cast(sum(ops.size(size) for size in sizes), "float32")]
        return readings


BY_VALUE = ("max_abs_grad", "clip_fraction")


class _TorchProbe(_Probe):
    _last: Any = None

    def measured(self, readings: list[Any]) -> None:
        import torch

        self._last = torch.stack([reading.detach().to(readings[0].device, torch.float32) for reading in readings])

    def take(self) -> Any:
        last, self._last = self._last, None
        return None if last is None else StepReadings(self.names, last, NO_NORM)

    def _readings(self, gradients: list[Any]) -> list[Any]:
        import torch

        with torch.no_grad():
            dense = [gradient.float() for gradient in gradients]
            rate = torch.as_tensor(keras.ops.convert_to_tensor(self._optimizer._get_current_learning_rate()))
            readings = [torch.linalg.vector_norm(torch.stack(torch._foreach_norm(dense))), rate]
            if self._clip_value is not None:
                sizes = torch._foreach_abs(dense)
                clamped = torch.stack([(size > self._clip_value).sum() for size in sizes]).sum()
                largest = torch.stack([size.max() for size in sizes]).max()
                readings += [largest, clamped / sum(size.numel() for size in sizes)]
            return readings


class _TensorFlowProbe(_Probe):
    """Uses a variable outside the state of the model and optimiser: compiled code can write it, and it is not saved."""

    def __init__(self, model: Any, optimizer: Any, run: Run, first_step: int) -> None:
        import tensorflow as tf

        super().__init__(model, optimizer, run, first_step)
        with model.distribute_strategy.scope():
            self._readings_kept = tf.Variable(
                [NO_NORM] * len(self.names),
                trainable=False,
                dtype="float32",
                synchronization=tf.VariableSynchronization.ON_READ,
                aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            )
        if self._outer is not optimizer:
            # mixed precision does not call the inner optimiser in a skipped step: the outer one resets the readings
            self._outer.__dict__["check_finite"] = self._reset_then_check

    def remove(self) -> None:
        super().remove()
        self._outer.__dict__.pop("check_finite", None)

    def _reset_then_check(self, gradients: list[Any]) -> Any:
        self._readings_kept.assign([NO_NORM] * len(self.names))
        return type(self._outer).check_finite(self._outer, gradients)

    def measured(self, readings: list[Any]) -> None:
        self._readings_kept.assign(keras.ops.stack(readings))

    def take(self) -> Any:
        import tensorflow as tf

        return StepReadings(self.names, tf.identity(self._readings_kept), NO_NORM)


class _JaxProbe(_Probe):
    """The compiled step returns the readings with the metrics. They are removed before Keras reports the metrics."""

    def __init__(self, model: Any, optimizer: Any, run: Run, first_step: int) -> None:
        super().__init__(model, optimizer, run, first_step)
        self._traced: Any = None
        self._arrived: list[Any] = []
        if self._outer is not optimizer:
            # the inner optimiser runs inside a traced branch, which cannot pass values out
            optimizer.__dict__.pop("_clip_gradients", None)
            self._outer.__dict__["stateless_apply"] = self._measure_then_apply

    def make_train_function(self, model: Any) -> None:
        kind = type(model)

        def train_step(state: Any, data: Any) -> Any:
            self._traced = None
            metrics, state = kind.train_step(model, state, data)
            return ({**metrics, READINGS: self._traced} if self._traced is not None else metrics), state

        def make_function(step_function: Any, **options: Any) -> Any:
            def step(state: Any, data: Any) -> Any:
                metrics, state = step_function(state, data)
                self._arrived.append(metrics.pop(READINGS, None))
                return metrics, state

            return kind._make_function(model, step, **options)

        model.__dict__.update(train_step=train_step, _make_function=make_function)
        try:
            model.make_train_function(force=True)
        finally:
            del model.__dict__["train_step"], model.__dict__["_make_function"]

    def remove(self) -> None:
        super().remove()
        self._outer.__dict__.pop("stateless_apply", None)

    def measured(self, readings: list[Any]) -> None:
        self._traced = keras.ops.stack(readings)

    def _scale(self) -> Any:
        is_scaled = self._outer is not self._optimizer
        return keras.ops.cast(keras.ops.convert_to_tensor(self._outer.dynamic_scale), "float32") if is_scaled else 1.0

    def _measure_then_apply(self, variables: Any, gradients: list[Any], trainable: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(self._outer.variables, variables))):
            self._measure([one for one in gradients if one is not None])
        return type(self._outer).stateless_apply(self._outer, variables, gradients, trainable)

    def end_batch(self, batches: int, metrics: dict[str, Any]) -> int:
        arrived, self._arrived = self._arrived, []
        for readings in arrived:
            self._seen_batches = (self._seen_batches + 1) % self._every
            if self._seen_batches == 0:
                update: dict[str, Any] = (
                    {} if readings is None else {"update": StepReadings(self.names, readings, NO_NORM)}
                )
                self._run.log(self._next_step, **update, **metrics)
                self._next_step += 1
        return self._next_step
