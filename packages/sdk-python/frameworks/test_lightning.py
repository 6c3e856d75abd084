from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from fake_server import FakeServer

from normwatch.lightning import NormwatchCallback


class TinyModule(lightning.LightningModule):
    def __init__(self, breaks_at: int | None = None) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
        self.breaks_at = breaks_at
        self.true_norms: list[float] = []
        self.losses: list[float] = []

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        if index == self.breaks_at:
            raise ZeroDivisionError
        loss: torch.Tensor = (self.layer(batch).squeeze(-1) - 1).square().mean() * 10
        self.losses.append(loss.item())
        return loss

    def configure_gradient_clipping(self, optimizer: Any, *arguments: Any, **named: Any) -> None:
        gradients = [parameter.grad for parameter in self.parameters()]
        self.true_norms.append(torch.nn.utils.get_total_norm(gradients).item())
        super().configure_gradient_clipping(optimizer, *arguments, **named)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(module: TinyModule, path: Path, callback: NormwatchCallback, **arguments: Any) -> None:
    torch.manual_seed(0)
    loader = torch.utils.data.DataLoader(torch.randn(64, 4), batch_size=8)
    trainer = lightning.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=path, callbacks=[callback], **arguments,
    )  # fmt: skip
    trainer.fit(module, loader)


def test_every_optimiser_step_is_recorded_as_it_was_before_clipping(server: FakeServer, tmp_path: Path) -> None:
    module = TinyModule()
    fit(module, tmp_path, NormwatchCallback(id="l", log_layers=True), gradient_clip_val=0.25)
    points = server.points("l")
    assert list(points) == list(range(16))
    assert [point["grad_norm"] for point in points.values()] == pytest.approx(module.true_norms)
    assert [point["loss"] for point in points.values()] == pytest.approx(module.losses)
    assert {point["lr"] for point in points.values()} == {0.1}
    assert points[0]["layers/layer"] == pytest.approx(points[0]["grad_norm"])
    fields = server.runs["l"]["fields"]
    assert (fields["clip"], fields["optimizer"]) == ({"mode": "norm", "max_norm": 0.25}, "sgd")
    assert server.runs["l"]["status"] == "finished"


def test_accumulated_batches_are_one_step(server: FakeServer, tmp_path: Path) -> None:
    module = TinyModule()
    fit(module, tmp_path, NormwatchCallback(id="l"), accumulate_grad_batches=4)
    assert [point["grad_norm"] for point in server.points("l").values()] == pytest.approx(module.true_norms)
    assert len(module.true_norms) == 4


def test_an_exception_ends_the_run_as_failed(server: FakeServer, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        fit(TinyModule(breaks_at=3), tmp_path, NormwatchCallback(id="l"))
    assert (len(server.points("l")), server.runs["l"]["status"]) == (3, "failed")
