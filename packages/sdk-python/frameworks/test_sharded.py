"""Gradients that are sharded over ranks (FSDP): every call returns on every rank, and one rank records."""

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
"""

LEAVE = """
import os, sys
store = torch.distributed.distributed_c10d._get_default_store()
store.set(f"done/{torch.distributed.get_rank()}", "yes")
store.wait([f"done/{rank}" for rank in range(torch.distributed.get_world_size())])
sys.stdout.flush()
# gloo's teardown aborts now and then, when another rank has closed its connections first
os._exit(0)
"""

CALLS = {
    "clip by norm": "normwatch.clip_grad_norm_(model.parameters(), 1.0)",
    "clip by norm, named": "normwatch.clip_grad_norm_(model.named_parameters(), 1.0)",
    "measure": "normwatch.grad_norm(model.named_parameters())",
    "clip by value": "normwatch.clip_grad_value_(model.parameters(), 0.5)",
}


TENSOR_PARALLEL = """
import torch
from torch.distributed.tensor import Replicate, Shard, distribute_tensor
import normwatch

torch.distributed.init_process_group("gloo")
mesh = torch.distributed.device_mesh.init_device_mesh("cpu", (2,))
run = normwatch.init(id="r")
gradients = [torch.arange(1.0, 9.0), torch.ones(4), torch.full((3,), 2.0)]
expected = torch.nn.utils.get_total_norm(gradients).item()
spread = [distribute_tensor(gradients[0], mesh, [Shard(0)]), distribute_tensor(gradients[1], mesh, [Replicate()])]
for _ in range(3):
    parameters = [torch.nn.Parameter(torch.zeros_like(gradient)) for gradient in (*spread, gradients[2])]
    for parameter, gradient in zip(parameters, (*spread, gradients[2])):
        parameter.grad = gradient.clone()
    normwatch.grad_norm(parameters)
    run.log(expected=expected)
run.log(replicated=spread[1].sum(), spread=spread[0].sum())
run.finish()
"""

LOCAL = """
import torch
from torch.distributed.fsdp import FullyShardedDataParallel
from torch.distributed.pipelining import PipelineStage
import normwatch

torch.distributed.init_process_group("gloo")
run = normwatch.init(id="r")
rank = torch.distributed.get_rank()
SET_UP
model(torch.ones(2, 8)).sum().backward()
normwatch.clip_grad_norm_(model.parameters(), 1.0)
normwatch.grad_norm(model.parameters())
run.log(loss=1.0)
run.finish()
"""

SET_UPS = {
    "FullyShardedDataParallel": (
        "model = FullyShardedDataParallel(torch.nn.Linear(8, 8), device_id=torch.device('cpu'))",
        "model.clip_grad_norm_()",
    ),
    "FullyShardedDataParallel with the original parameters": (
        "model = FullyShardedDataParallel(torch.nn.Linear(8, 8), device_id=torch.device('cpu'), use_orig_params=True)",
        "model.clip_grad_norm_()",
    ),
    "a pipeline stage": (
        "model = torch.nn.Linear(8, 8)\nstage = PipelineStage(model, rank, 2, torch.device('cpu'))",
        "one pipeline stage",
    ),
}


def test_a_norm_over_several_meshes_is_the_whole_models_and_raises_nothing(server: FakeServer, tmp_path: Path) -> None:
    run_snippet(Snippet("tensor parallel", "python torchrun", TENSOR_PARALLEL + LEAVE), server.url, tmp_path)
    points = server.points("r")
    for step in range(3):
        assert points[step]["grad_norm"] == pytest.approx(points[step]["expected"], rel=1e-5)
    assert points[3] == {"replicated": 4}  # a sharded number is refused, without waiting for other ranks


@pytest.mark.parametrize("name", SET_UPS)
def test_a_norm_of_this_ranks_share_is_refused_with_a_sentence(name: str, server: FakeServer, tmp_path: Path) -> None:
    set_up, hint = SET_UPS[name]
    said = run_snippet(Snippet(name, "python torchrun", LOCAL.replace("SET_UP", set_up) + LEAVE), server.url, tmp_path)
    assert server.points("r") == {0: {"loss": 1}}
    assert "is not the model's" in said
    assert hint in said


@pytest.mark.parametrize("name", CALLS)
def test_sharded_gradients_are_recorded_whole_or_not_at_all(name: str, server: FakeServer, tmp_path: Path) -> None:
    run_snippet(Snippet(name, "python torchrun", PROGRAM.replace("CALL", CALLS[name]) + LEAVE), server.url, tmp_path)
    points = server.points("r")
    assert len(points) == 3
    for point in points.values():
        expected = {} if "value" in name else {"grad_norm": pytest.approx(point["expected"], rel=1e-5)}
        assert {key: value for key, value in point.items() if key != "expected"} == expected
