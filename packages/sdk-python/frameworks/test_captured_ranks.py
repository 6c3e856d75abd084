"""Captured trainings whose ranks are not alike: each sees other gradients, or measures at other steps."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_server import FakeServer
from test_capture import PROGRAMS, TIMEOUT, TORCHRUN

EACH_FOR_ITSELF = """
import sys, torch
torch.distributed.init_process_group("gloo")
rank = torch.distributed.get_rank()
model = torch.nn.Linear(4, 1)  # not DistributedDataParallel: each rank trains alone
optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
for step in range(8):
    optimizer.zero_grad()
    model(torch.full((2, 4), 1.0 + rank * SPREAD)).sum().backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    torch.distributed.barrier()
torch.distributed.barrier()
store = torch.distributed.distributed_c10d._get_default_store()
store.set(f"done/{rank}", "yes")
store.wait([f"done/{other}" for other in range(2)])
# gloo's teardown aborts now and then, when another rank has closed its connections first
import atexit, os
atexit._run_exitfuncs()
os._exit(0)
"""


@pytest.mark.parametrize("spread", [0, 1])
def test_ranks_that_see_different_norms_are_told_of(spread: int, server: FakeServer, tmp_path: Path) -> None:
    script = tmp_path / "alone.py"
    script.write_text(EACH_FOR_ITSELF.replace("SPREAD", str(spread)))
    command = [sys.executable, "-m", "normwatch", "run", "--", sys.executable, *TORCHRUN, str(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    [run] = server.runs.values()
    assert len(run["points"]) == 8
    assert ("one rank's gradients" in done.stderr) is bool(spread)
    said = [event for event in run.get("events", []) if event["label"] == "ranks disagree"]
    assert len(said) == spread
    if spread:
        expected = "of the 1st step, rank 0 has 4.47214 and rank 1 has 8.24621"
        assert expected in said[0]["text"]


def test_ranks_that_measure_at_different_steps_go_on_without_norms_and_say_so(
    server: FakeServer, tmp_path: Path
) -> None:
    script = tmp_path / "differing.py"
    program = (PROGRAMS / "sharded.py").read_text()
    begin = "import os, normwatch\nnormwatch.autolog(measure=1 + int(os.environ['RANK']))\n"
    script.write_text(begin + program)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROGRAMS), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, *TORCHRUN, str(script), "fsdp2"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    [run] = server.runs.values()
    assert [set(point) for point in run["points"].values()] == [{"time", "loss", "lr"}] * 4
    assert "with another --measure" in done.stderr


def test_a_store_that_cannot_be_asked_costs_the_comparison_and_no_reading(server: FakeServer, tmp_path: Path) -> None:
    script = tmp_path / "old.py"
    begin = "import torch, normwatch\ndel torch.distributed.Store.check\nnormwatch.autolog()\n"
    script.write_text(begin + (PROGRAMS / "sharded.py").read_text())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROGRAMS), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, *TORCHRUN, str(script), "ddp", "clip"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    [run] = server.runs.values()
    assert [set(point) for point in run["points"].values()] == [{"time", "grad_norm", "loss", "lr"}] * 4
    assert "the norms of the ranks are not compared" in done.stderr
