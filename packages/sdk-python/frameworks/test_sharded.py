"""Gradients of which each rank has a part (FSDP): every call comes back on every rank, and one rank records."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_server import FakeServer
from snippets import Snippet, run_snippet

PROGRAM = """
import torch
from torch.distributed.fsdp import fully_shard
import normwatch

torch.distributed.init_process_group("gloo")
torch.manual_seed(0)
model = torch.nn.Linear(64, 64)
x = torch.randn(16, 64)
model(x).square().sum().backward()
expected = torch.nn.utils.get_total_norm([parameter.grad for parameter in model.parameters()]).item()
model.zero_grad()
mesh = torch.distributed.device_mesh.init_device_mesh("cpu", (torch.distributed.get_world_size(),))
fully_shard(model, mesh=mesh)
run = normwatch.init(id="r")
for step in range(3):
    model.zero_grad()
    model(x).square().sum().backward()
    CALL
    run.log(expected=expected)
run.finish()
torch.distributed.barrier()  # a rank that goes while another still talks to it aborts
torch.distributed.destroy_process_group()
"""

CALLS = {
    "clip by norm": "normwatch.clip_grad_norm_(model.parameters(), 1.0)",
    "clip by norm, named": "normwatch.clip_grad_norm_(model.named_parameters(), 1.0)",
    "measure": "normwatch.grad_norm(model.named_parameters())",
    "clip by value": "normwatch.clip_grad_value_(model.parameters(), 0.5)",
}


@pytest.mark.parametrize("name", CALLS)
def test_sharded_gradients_are_recorded_whole_or_not_at_all(name: str, server: FakeServer, tmp_path: Path) -> None:
    run_snippet(Snippet(name, "python torchrun", PROGRAM.replace("CALL", CALLS[name])), server.url, tmp_path)
    points = server.points("r")
    assert len(points) == 3
    for point in points.values():
        expected = {} if "value" in name else {"grad_norm": pytest.approx(point["expected"], rel=1e-5)}
        assert {key: value for key, value in point.items() if key != "expected"} == expected
