"""Lightning: automatic optimisation with gradient_clip_val, also accumulated, or manual with self.clip_gradients."""

import sys
import tempfile

import lightning
import torch
from reference import Reference, norm_of

reference = Reference()
is_manual = sys.argv[1] == "manual"
accumulated = 4 if sys.argv[1] == "accumulated" else 1
losses = []


class TinyModule(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
        self.automatic_optimization = not is_manual

    def training_step(self, batch: torch.Tensor, index: int) -> torch.Tensor:
        loss = (self.layer(batch).squeeze(-1) - 1).square().mean() * 10
        losses.append(loss.item())
        if is_manual:
            optimizer = self.optimizers()
            optimizer.zero_grad()
            self.manual_backward(loss)
            reference.note(grad_norm=norm_of(self), loss=loss, lr=0.1)
            self.clip_gradients(optimizer, gradient_clip_val=0.5, gradient_clip_algorithm="norm")
            optimizer.step()
        return loss

    def configure_gradient_clipping(self, *arguments, **named) -> None:
        reference.note(grad_norm=norm_of(self), loss=sum(losses) / len(losses), lr=0.1)
        losses.clear()
        super().configure_gradient_clipping(*arguments, **named)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


torch.manual_seed(0)
module = TinyModule()
with tempfile.TemporaryDirectory() as folder:
    trainer = lightning.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=folder, gradient_clip_val=None if is_manual else 0.5,
        accumulate_grad_batches=accumulated,
    )  # fmt: skip
    trainer.fit(module, torch.utils.data.DataLoader(torch.randn(48, 4), batch_size=8))
reference.tell(module)
