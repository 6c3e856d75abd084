"""Lightning: the norm before any kind of clipping, with one reading per step of each optimizer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from fake_server import FakeServer

import normwatch
from normwatch.lightning import NormwatchCallback, NormwatchLogger


def norm_of(module: torch.nn.Module) -> float:
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    return float(torch.nn.utils.get_total_norm(gradients))


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
        self.true_norms.append(norm_of(self))
        super().configure_gradient_clipping(optimizer, *arguments, **named)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class ManualModule(TinyModule):
    """Clips manually, and steps two optimizers in turn, the critic twice as often."""

    def __init__(self, clips: bool = True) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.layer = torch.nn.Linear(1, 1)
        self.generator = torch.nn.Linear(4, 4)
        self.critic = torch.nn.Linear(4, 1)
        self.clips = clips
        self.norms: dict[str, list[float]] = {"generator": [], "critic": []}

    def training_step(self, batch: Any, index: int) -> None:
        for name, optimizer in zip(("generator", "critic", "critic"), (*self.optimizers(), self.optimizers()[1])):
            loss = self.critic(self.generator(batch)).square().mean() * 10
            optimizer.zero_grad()
            self.manual_backward(loss)
            self.norms[name].append(norm_of(getattr(self, name)))
            if self.clips:
                self.clip_gradients(optimizer, gradient_clip_val=0.1, gradient_clip_algorithm="norm")
            optimizer.step()

    def configure_optimizers(self) -> Any:
        return [
            torch.optim.SGD(self.generator.parameters(), lr=0.01),
            torch.optim.Adam(self.critic.parameters(), lr=0.02),
        ]


def fit(module: TinyModule, path: Path, *callbacks: Any, resume: Path | None = None, **arguments: Any) -> Any:
    torch.manual_seed(0)
    loader = torch.utils.data.DataLoader(torch.randn(64, 4), batch_size=8)
    settings: dict[str, Any] = {
        "max_epochs": 2, "accelerator": "cpu", "logger": False, "enable_checkpointing": False,
        "enable_progress_bar": False, "enable_model_summary": False, "default_root_dir": path,
    }  # fmt: skip
    trainer = lightning.Trainer(**{**settings, **arguments}, callbacks=list(callbacks))
    trainer.fit(module, loader, ckpt_path=resume)
    return trainer


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


def test_accumulated_batches_are_one_step_with_their_mean_loss(server: FakeServer, tmp_path: Path) -> None:
    module = TinyModule()
    fit(module, tmp_path, NormwatchCallback(id="l"), accumulate_grad_batches=4)
    points = server.points("l").values()
    assert [point["grad_norm"] for point in points] == pytest.approx(module.true_norms)
    assert len(module.true_norms) == 4
    means = [sum(module.losses[i : i + 4]) / 4 for i in range(0, 16, 4)]
    assert [point["loss"] for point in points] == pytest.approx(means)


def test_clipping_by_value_is_clipping_by_value(server: FakeServer, tmp_path: Path) -> None:
    module = TinyModule()
    callback = NormwatchCallback(id="l")
    fit(module, tmp_path, callback, gradient_clip_val=0.5, gradient_clip_algorithm="value")
    points = server.points("l")
    assert server.runs["l"]["fields"]["clip"] == {"mode": "value", "clip_value": 0.5}
    assert [point["grad_norm"] for point in points.values()] == pytest.approx(module.true_norms)
    assert all({"clip_fraction", "max_abs_grad"} <= set(point) for point in points.values())


def test_two_optimizers_that_are_clipped_by_hand_are_two_parts(
    server: FakeServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    module = ManualModule()
    fit(module, tmp_path, NormwatchCallback(id="l"))
    points = server.points("l")
    for name, rate in (("generator", 0.01), ("critic", 0.02)):
        rows = [point for point in points.values() if f"grad_norm/{name}" in point]
        assert [row[f"grad_norm/{name}"] for row in rows] == pytest.approx(module.norms[name])
        assert {row[f"lr/{name}"] for row in rows} == {rate}
    assert len(module.norms["critic"]) == 2 * len(module.norms["generator"]) == 32
    caps = {name: part["clip"] for name, part in server.runs["l"]["fields"]["parts"].items()}
    assert caps == {name: {"mode": "norm", "max_norm": 0.1} for name in ("generator", "critic")}
    assert not any("grad_norm" in point for point in points.values())
    assert [record.message for record in caplog.records if record.name == "normwatch"] == []


def test_without_clipping_the_gradients_of_each_optimizer_are_its_own(server: FakeServer, tmp_path: Path) -> None:
    module = ManualModule(clips=False)
    fit(module, tmp_path, NormwatchCallback(id="l"))
    rows = [point for point in server.points("l").values() if "grad_norm/generator" in point]
    assert [row["grad_norm/generator"] for row in rows] == pytest.approx(module.norms["generator"])


def test_an_exception_ends_the_run_as_failed(server: FakeServer, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        fit(TinyModule(breaks_at=3), tmp_path, NormwatchCallback(id="l"))
    assert (len(server.points("l")), server.runs["l"]["status"]) == (3, "failed")


def test_a_training_that_resumes_from_a_checkpoint_continues_its_run(server: FakeServer, tmp_path: Path) -> None:
    first = fit(TinyModule(), tmp_path, NormwatchCallback(), enable_checkpointing=True)
    path = tmp_path / "last.ckpt"
    first.save_checkpoint(path)
    checkpoint = torch.load(path, weights_only=True)
    (run_id,) = server.runs
    assert {"run": run_id, "steps": {}} in checkpoint["callbacks"].values()
    fit(TinyModule(), tmp_path, NormwatchCallback(), resume=path, max_epochs=3)
    assert list(server.runs) == [run_id]
    assert list(server.points(run_id)) == list(range(24))


def test_the_logger_records_what_lightning_logs_beside_the_norms(server: FakeServer, tmp_path: Path) -> None:
    class Logging(TinyModule):
        def __init__(self) -> None:
            super().__init__()
            self.save_hyperparameters({"width": 4})

        def training_step(self, batch: Any, index: int) -> torch.Tensor:
            loss = super().training_step(batch, index)
            self.log("train/loss", loss)
            return loss

    logger = NormwatchLogger(project="p", id="l")
    fit(Logging(), tmp_path, NormwatchCallback(), logger=logger, log_every_n_steps=1)
    points = server.points("l")
    assert all({"grad_norm", "loss", "train/loss"} <= set(points[step]) for step in range(15))
    assert server.runs["l"]["fields"]["config"] == {"width": 4}
    assert server.runs["l"]["status"] == "finished"


def test_a_run_that_the_user_made_is_left_open(server: FakeServer, tmp_path: Path) -> None:
    run = normwatch.init(id="l", max_norm=0.25)
    fit(TinyModule(), tmp_path, NormwatchCallback(run), gradient_clip_val=0.25)
    assert run.is_open
    run.finish()
    assert len(server.points("l")) == 16


def test_lightning_takes_signals_in_a_slurm_job_as_it_would_without_us(server: FakeServer, tmp_path: Path) -> None:
    script = Path(__file__).parent / "captured" / "lightning_signals.py"
    scontrol = tmp_path / "bin" / "scontrol"
    scontrol.parent.mkdir()
    scontrol.write_text('#!/bin/sh\necho "SCONTROL $*"\n')
    scontrol.chmod(0o755)
    job = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "train", "SLURM_NTASKS": "1", "SLURM_NODELIST": "localhost"}
    ranks = {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}
    path = os.pathsep.join([str(scontrol.parent), os.environ["PATH"]])
    environment = {**os.environ, **job, **ranks, "PATH": path}
    command = [sys.executable, str(script)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    told = [line for line in done.stdout.splitlines() if line.startswith(("HANDLER", "SCONTROL", "ENDED"))]
    expected = ["HANDLER _HandlersCompose", "SCONTROL requeue 7", "ENDED BY SIGTERMException"]
    assert told == expected, done.stderr[-4000:]
    assert (tmp_path / "hpc_ckpt_1.ckpt").exists()
    assert server.runs["second"]["status"] == "preempted"
