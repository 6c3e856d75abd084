"""The Trainer: a reading for every step, the norm that the Trainer computes, and the run's id in checkpoints."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from fake_server import FakeServer
from transformers import Trainer, TrainerCallback, TrainingArguments

from normwatch.transformers import NormwatchCallback


class TinyModel(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, Any]:
        prediction = self.layer(x).squeeze(-1)
        return {"loss": (prediction - labels).square().mean() * 10, "logits": prediction}


class Spy(TrainerCallback):  # type: ignore[misc]
    """Collects what the Trainer logs if it logs every step."""

    def __init__(self) -> None:
        self.seen: dict[int, dict[str, float]] = {}

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if "grad_norm" in logs:
            self.seen[state.global_step] = dict(logs)


def train(folder: Path, callbacks: list[Any], data: Any = None, resume: bool = False, **arguments: Any) -> Spy:
    torch.manual_seed(0)
    data = data or [{"x": torch.randn(4), "labels": torch.randn(())} for _ in range(64)]
    spy = Spy()
    defaults = {
        "max_steps": 12, "per_device_train_batch_size": 8, "max_grad_norm": 0.5, "learning_rate": 0.01,
        "report_to": [], "use_cpu": True, "disable_tqdm": True, "save_strategy": "no", "logging_steps": 1,
    }  # fmt: skip
    settings = TrainingArguments(str(folder), **{**defaults, **arguments})
    trainer = Trainer(TinyModel(), settings, train_dataset=data, callbacks=[*callbacks, spy])
    trainer.train(resume_from_checkpoint=resume)
    return spy


def test_every_step_is_recorded_as_the_trainer_measures_it(server: FakeServer, tmp_path: Path) -> None:
    spy = train(tmp_path, [NormwatchCallback(id="t", project="p")])
    points = server.points("t")
    assert list(points) == list(range(1, 13))
    for step, point in points.items():
        seen = spy.seen[step]
        assert point["grad_norm"] == pytest.approx(seen["grad_norm"])
        assert point["loss"] == pytest.approx(seen["loss"])
        assert point["lr"] == pytest.approx(seen["learning_rate"])
    assert max(point["grad_norm"] for point in points.values()) > 0.5  # before clipping
    fields = server.runs["t"]["fields"]
    assert (fields["clip"], fields["project"]) == ({"mode": "norm", "max_norm": 0.5}, "p")
    assert fields["config"]["learning_rate"] == 0.01
    assert server.runs["t"]["status"] == "finished"


def test_steps_between_two_logs_are_recorded_and_the_trainers_means_are_not(server: FakeServer, tmp_path: Path) -> None:
    every = train(tmp_path, [NormwatchCallback(id="every")])
    train(tmp_path, [NormwatchCallback(id="seldom")], logging_steps=5)
    losses = [[point["loss"] for point in server.points(name).values()] for name in ("every", "seldom")]
    assert losses[0] == pytest.approx(losses[1])
    norms = [point["grad_norm"] for point in server.points("seldom").values()]
    assert norms == pytest.approx([seen["grad_norm"] for seen in every.seen.values()])


def test_accumulated_batches_are_one_step_with_their_mean_loss(server: FakeServer, tmp_path: Path) -> None:
    spy = train(tmp_path, [NormwatchCallback(id="t")], gradient_accumulation_steps=2, max_steps=4)
    points = server.points("t")
    assert list(points) == [1, 2, 3, 4]
    assert [point["loss"] for point in points.values()] == pytest.approx([seen["loss"] for seen in spy.seen.values()])


def test_without_clipping_the_norm_is_recorded_and_there_is_no_cap(server: FakeServer, tmp_path: Path) -> None:
    spy = train(tmp_path, [NormwatchCallback(id="t")], max_grad_norm=0.0)
    norms = [point["grad_norm"] for point in server.points("t").values()]
    assert norms == pytest.approx([seen["grad_norm"] for seen in spy.seen.values()])
    assert "clip" not in server.runs["t"]["fields"]


def test_layers_are_recorded_as_they_were_before_clipping(server: FakeServer, tmp_path: Path) -> None:
    train(tmp_path, [NormwatchCallback(id="t", log_layers=True)])
    for point in server.points("t").values():
        assert point["layers/layer"] == pytest.approx(point["grad_norm"], rel=1e-4)


def test_a_loss_that_is_not_a_number_is_recorded_though_the_trainer_filters_it(
    server: FakeServer, tmp_path: Path
) -> None:
    data = [{"x": torch.full((4,), math.nan), "labels": torch.zeros(())} for _ in range(64)]
    train(tmp_path, [NormwatchCallback(id="t")], data=data, max_steps=2)
    assert [point["loss"] for point in server.points("t").values()] == ["NaN", "NaN"]


def test_numbers_of_any_kind_that_a_callback_logs_are_taken(server: FakeServer, tmp_path: Path) -> None:
    class Logs(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            logs.update({"tensor": torch.tensor(2.0), "numpy": torch.tensor(3.0).numpy(), "text": "no reading"})

    train(tmp_path, [Logs(), NormwatchCallback(id="t")], max_steps=1)
    point = server.points("t")[1]
    assert (point["tensor"], point["numpy"], "text" in point) == (2, 3, False)


@pytest.mark.parametrize("restores", [False, True])
def test_a_training_that_resumes_from_a_checkpoint_continues_its_run(
    server: FakeServer, tmp_path: Path, restores: bool
) -> None:
    saving = {"save_strategy": "steps", "save_steps": 4}
    train(tmp_path, [NormwatchCallback(project="p")], max_steps=4, **saving)
    (run_id,) = server.runs
    kept = json.loads((tmp_path / "checkpoint-4" / "trainer_state.json").read_text())["stateful_callbacks"]
    assert kept["NormwatchCallback"]["attributes"] == {"run_id": run_id}
    callback = NormwatchCallback(project="p")
    train(tmp_path, [callback], resume=True, restore_callback_states_from_checkpoint=restores, max_steps=6, **saving)
    assert list(server.runs) == [run_id]
    assert list(server.points(run_id)) == [1, 2, 3, 4, 5, 6]


def test_report_to_normwatch_needs_no_callback(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NORMWATCH_RUN_ID", "t")
    train(tmp_path, [], report_to="normwatch")
    assert len(server.points("t")) == 12


def test_accelerate_is_as_it_was_when_the_training_is_over(server: FakeServer, tmp_path: Path) -> None:
    before = (Accelerator.backward, Accelerator.clip_grad_norm_)
    train(tmp_path, [NormwatchCallback(id="t")], max_steps=1)
    assert (Accelerator.backward, Accelerator.clip_grad_norm_) == before
