from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_server import FakeServer

PROGRAM = Path(__file__).with_name("keras_training.py")


@pytest.mark.parametrize("backend", ["torch", "jax", "tensorflow"])
def test_keras_records_the_norm_before_the_optimiser_clips(server: FakeServer, backend: str) -> None:
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, PROGRAM], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    first_norm = float(done.stdout.split()[-1])
    points = server.points("k")
    assert len(points) == 16
    assert points[0]["grad_norm"] == pytest.approx(first_norm, rel=1e-4)
    assert min(point["grad_norm"] for point in points.values()) > 0.01  # the cap
    assert all({"grad_norm", "loss", "lr"} <= set(point) for point in points.values())
    fields = server.runs["k"]["fields"]
    assert (fields["clip"], fields["optimizer"]) == ({"mode": "norm", "max_norm": 0.01}, "sgd")
    assert server.runs["k"]["status"] == "finished"
