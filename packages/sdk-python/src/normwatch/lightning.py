"""Lightning: `Trainer(gradient_clip_val=1.0, callbacks=[NormwatchCallback(project="…")])`."""

from __future__ import annotations

from typing import Any

try:
    from lightning.pytorch import Callback
except ImportError:
    from pytorch_lightning import Callback

from .clipping import grad_norm
from .current import make_current
from .run import Run
from .start import init


class NormwatchCallback(Callback):
    """
    Records of each optimiser step the norm before Lightning clips (measured by a pass over the gradients, without
    waiting for the device), the loss, the learning rate and the loss scale. Takes a run, or the arguments of
    `normwatch.init` for the run it makes (with `gradient_clip_val` as cap) and ends. Only global rank 0 records.
    """

    def __init__(self, run: Run | None = None, **init_arguments: Any) -> None:
        self.run = run
        self._init_arguments = init_arguments
        self._is_own = run is None
        self._has_stepped = False

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        if not trainer.is_global_zero:
            self.run = None
        elif self.run is None:
            cap = trainer.gradient_clip_val or None
            by_value = str(trainer.gradient_clip_algorithm or "").endswith("value")
            arguments = {"clip_value" if by_value else "max_norm": cap, "optimizer": trainer.optimizers[0]}
            self.run = init(**{**arguments, **self._init_arguments})
        else:
            make_current(self.run)

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        # sharded gradients are measured by all ranks together, so every rank takes part
        named = self.run is not None and self.run.log_layers
        grad_norm(pl_module.named_parameters() if named else pl_module.parameters())
        self._has_stepped = True

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self.run is None or not self._has_stepped:
            return
        self._has_stepped = False
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        lr = trainer.optimizers[0].param_groups[0]["lr"]
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        self.run.log(trainer.global_step - 1, loss=loss, lr=lr, scaler=scaler)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self._end("finished")

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self._end("failed")

    def _end(self, status: str) -> None:
        if self.run is not None and self._is_own:
            self.run.finish(status)
            self.run = None
