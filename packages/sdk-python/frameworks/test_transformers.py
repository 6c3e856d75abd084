from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from fake_server import FakeServer
from transformers import Trainer, TrainingArguments

from normwatch.transformers import NormwatchCallback


class TinyModel(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, Any]:
        prediction = self.layer(x).squeeze(-1)
        return {"loss": (prediction - labels).square().mean() * 10, "logits": prediction}


class Norms(NormwatchCallback):  # type: ignore[misc]
    """What the Trainer logged, beside what the callback recorded."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.seen: dict[int, dict[str, float]] = {}

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **rest: Any) -> None:
        if "grad_norm" in logs:
            self.seen[state.global_step] = dict(logs)
        super().on_log(args, state, control, logs=logs, **rest)


def test_the_trainers_own_norms_are_recorded_under_its_steps(server: FakeServer, tmp_path: Path) -> None:
    torch.manual_seed(0)
    data = [{"x": torch.randn(4), "labels": torch.randn(())} for _ in range(64)]
    arguments = TrainingArguments(
        str(tmp_path), max_steps=12, per_device_train_batch_size=8, logging_steps=2, max_grad_norm=0.5,
        learning_rate=0.01, report_to=[], use_cpu=True, disable_tqdm=True, save_strategy="no",
    )  # fmt: skip
    callback = Norms(id="t", project="p")
    Trainer(TinyModel(), arguments, train_dataset=data, callbacks=[callback]).train()
    points = server.points("t")
    assert list(points) == [2, 4, 6, 8, 10, 12]
    for step, point in points.items():
        seen = callback.seen[step]
        assert (point["grad_norm"], point["loss"], point["lr"]) == (
            seen["grad_norm"],
            seen["loss"],
            seen["learning_rate"],
        )
    assert max(point["grad_norm"] for point in points.values()) > 0.5  # before clipping
    fields = server.runs["t"]["fields"]
    assert (fields["clip"], fields["project"]) == ({"mode": "norm", "max_norm": 0.5}, "p")
    assert fields["config"]["learning_rate"] == 0.01
    assert server.runs["t"]["status"] == "finished"
