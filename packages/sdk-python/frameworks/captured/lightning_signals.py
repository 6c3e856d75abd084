"""Lightning in a SLURM job, with a run created before: Lightning's signal handling must stay the same."""

import os
import signal

import lightning
import torch

import normwatch
from normwatch.lightning import NormwatchCallback

first = normwatch.init(id="first")


class Model(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(8, 1)

    def training_step(self, batch: torch.Tensor, index: int) -> torch.Tensor:
        if index == 1:
            print("HANDLER", type(signal.getsignal(signal.SIGUSR1)).__name__, flush=True)
            os.kill(os.getpid(), signal.SIGUSR1)  # Lightning saves a checkpoint, requeues the job and trains on
        if index == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return self.layer(batch).square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.01)


class Told(lightning.Callback):
    def on_exception(self, trainer: lightning.Trainer, module: lightning.LightningModule, error: BaseException) -> None:
        print("ENDED BY", type(error).__name__, flush=True)


trainer = lightning.Trainer(
    max_epochs=1,
    accelerator="cpu",
    devices=1,
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    callbacks=[NormwatchCallback(id="second"), Told()],
)
trainer.fit(Model(), torch.utils.data.DataLoader(torch.randn(64, 8), batch_size=8))
