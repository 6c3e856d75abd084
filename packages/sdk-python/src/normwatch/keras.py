"""Keras 3: `model.fit(…, callbacks=[NormwatchCallback(project="…")])`."""

from __future__ import annotations

from types import MethodType
from typing import Any

import keras

from .run import Run
from .start import init


class NormwatchCallback(keras.callbacks.Callback):
    """
    Records the global norm of the gradients before the optimiser clips, on any backend: the optimiser keeps it in a
    variable of its own, which the compiled step updates. `loss` is what Keras reports: the mean since the epoch began.
    Takes a run, or the arguments of `normwatch.init` for the run it makes and ends.
    """

    def __init__(self, run: Run | None = None, **init_arguments: Any) -> None:
        super().__init__()
        self.run = run
        self._init_arguments = init_arguments
        self._is_own = run is None
        self._norm: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        optimizer = self.model.optimizer
        self._norm = _watch(optimizer)
        if self.run is None:
            caps = {"max_norm": optimizer.global_clipnorm, "clip_value": optimizer.clipvalue}
            arguments = {"optimizer": optimizer.name, **caps}
            self.run = init(**{**arguments, **self._init_arguments})

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.run is None:
            return
        if keras.backend.backend() == "jax":
            # the compiled step keeps its state apart until somebody asks for it
            self.model.jax_state_sync()
        metrics = dict(logs or {})
        self.run.log(
            grad_norm=float(keras.ops.convert_to_numpy(self._norm.value)),
            loss=metrics.pop("loss", None),
            lr=float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)),
            **metrics,
        )

    def on_train_end(self, logs: Any = None) -> None:
        if self.run is not None and self._is_own:
            self.run.finish()
            self.run = None


def _watch(optimizer: Any) -> Any:
    """The optimiser's variable with the norm of the gradients, made at the first call."""
    if not hasattr(optimizer, "_normwatch_norm"):
        optimizer._normwatch_norm = optimizer.add_variable((), initializer="zeros", name="normwatch_grad_norm")
        optimizer._clip_gradients = MethodType(_measure_then_clip, optimizer)
    return optimizer._normwatch_norm


def _measure_then_clip(self: Any, gradients: list[Any]) -> list[Any]:
    squares = [keras.ops.sum(keras.ops.square(g)) for g in gradients if g is not None]
    total = sum(keras.ops.cast(square, "float32") for square in squares)
    self._normwatch_norm.assign(keras.ops.sqrt(total))
    clipped: list[Any] = type(self)._clip_gradients(self, gradients)
    return clipped
