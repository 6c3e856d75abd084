"""Keras on each backend: true norms, one reading per update, and nothing of Normwatch in saved files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fake_server import FakeServer

PROGRAM = Path(__file__).with_name("keras_training.py")


class Trained(NamedTuple):
    server: FakeServer
    told: dict[str, Any]
    """What the program itself computed, by kind of training."""
    words: str


@pytest.fixture(scope="module", params=["torch", "jax", "tensorflow"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    server = FakeServer()
    spool = tmp_path_factory.mktemp("spool")
    own = {"KERAS_BACKEND": request.param, "NORMWATCH_URL": server.url, "NORMWATCH_SPOOL": str(spool)}
    done = subprocess.run(
        [sys.executable, PROGRAM], env={**os.environ, **own}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    yield Trained(server, json.loads(done.stdout.splitlines()[-1]), done.stderr)
    server.stop()


def test_the_norm_before_the_optimiser_clips_is_recorded(trained: Trained) -> None:
    points = trained.server.points("plain")
    assert len(points) == 16
    assert points[0]["grad_norm"] == pytest.approx(trained.told["plain"]["norm"], rel=1e-4)
    assert min(point["grad_norm"] for point in points.values()) > 0.01  # the cap
    assert all({"grad_norm", "loss", "lr"} <= set(point) for point in points.values())
    assert [step for step, point in points.items() if "val_loss" in point] == [7, 15]
    fields = trained.server.runs["plain"]["fields"]
    assert (fields["clip"], fields["optimizer"]) == ({"mode": "norm", "max_norm": 0.01}, "sgd")
    assert {run["status"] for run in trained.server.runs.values()} == {"finished"}
    assert "could not be" not in trained.words


def test_nothing_of_ours_is_in_a_checkpoint_or_stays_in_the_optimiser(trained: Trained) -> None:
    for kind, told in trained.told.items():
        assert told["iterations"] == (4 if kind == "accumulation" else 16)
        assert told["left_behind"] == []
        assert not any("normwatch" in name for name in told["variables"])


def test_under_mixed_precision_the_norm_is_the_unscaled_one_and_the_cap_is_known(trained: Trained) -> None:
    norms = [point["grad_norm"] for point in trained.server.points("mixed").values() if "grad_norm" in point]
    assert norms[0] == pytest.approx(trained.told["mixed"]["norm"], rel=1e-2)
    assert min(norms) > 0
    fields = trained.server.runs["mixed"]["fields"]
    assert (fields["clip"], fields["optimizer"]) == ({"mode": "norm", "max_norm": 0.01}, "sgd")


def test_accumulated_gradients_are_one_reading_an_update(trained: Trained) -> None:
    norms = [point["grad_norm"] for point in trained.server.points("accumulation").values()]
    assert len(norms) == 4
    assert norms[0] == pytest.approx(trained.told["accumulation"]["norm"], rel=1e-4)


def test_clipping_by_value_records_what_is_clamped(trained: Trained) -> None:
    first = trained.server.points("value")[0]
    assert first["max_abs_grad"] == pytest.approx(trained.told["value"]["largest"], rel=1e-4)
    assert 0 < first["clip_fraction"] <= 1
    assert trained.server.runs["value"]["fields"]["clip"] == {"mode": "value", "clip_value": 0.5}


def test_clipping_variable_by_variable_is_no_global_cap(trained: Trained) -> None:
    fields = trained.server.runs["clipnorm"]["fields"]
    assert (fields.get("clip"), fields["config"]) == (None, {"clipnorm": 0.5})
    first = trained.server.points("clipnorm")[0]
    assert first["grad_norm"] == pytest.approx(trained.told["clipnorm"]["norm"], rel=1e-4)


def test_the_learning_rate_of_a_schedule_is_the_one_of_each_step(trained: Trained) -> None:
    rates = [point["lr"] for point in trained.server.points("schedule").values()]
    assert rates == pytest.approx([0.01 * 0.5**step for step in range(16)], rel=1e-4)
