"""The Trainer of transformers, which logs every step itself."""

import sys
import tempfile

import torch
from reference import Reference
from trainer_notes import TrainerNotes
from transformers import Trainer, TrainingArguments


class TinyModel(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict:
        prediction = self.layer(x).squeeze(-1)
        return {"loss": (prediction - labels).square().mean() * 10, "logits": prediction}


reference = Reference()
torch.manual_seed(0)
data = [{"x": torch.randn(4), "labels": torch.randn(())} for _ in range(64)]
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        folder, max_steps=6, per_device_train_batch_size=8, logging_steps=1, max_grad_norm=0.5, learning_rate=0.01,
        report_to=[], use_cpu=True, disable_tqdm=True, save_strategy="no",
        gradient_accumulation_steps=int(sys.argv[1]),
    )  # fmt: skip
    model = TinyModel()
    Trainer(model, arguments, train_dataset=data, callbacks=[TrainerNotes(reference)]).train()
reference.tell(model)
