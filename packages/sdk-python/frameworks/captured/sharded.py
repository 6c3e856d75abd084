"""DDP, FSDP1, FSDP2, HSDP or tensor parallel under torchrun: norms must equal those of the model on one process."""

import sys

import torch
import torch.distributed as dist
from reference import Reference, add_gradients, leave, norm_of
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.distributed.tensor import Replicate
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

kind, clips = sys.argv[1], "clip" in sys.argv
dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()


def build() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))


def batch(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(step)
    return torch.randn(32, 8, generator=generator), torch.randn(32, 1, generator=generator)


whole, model = build(), build()
if kind == "ddp":
    model = torch.nn.parallel.DistributedDataParallel(model)
elif kind == "fsdp2":
    fully_shard(model, mesh=init_device_mesh("cpu", (world,)))
elif kind == "hsdp":
    fully_shard(model, mesh=init_device_mesh("cpu", (2, world // 2), mesh_dim_names=("replicate", "shard")))
elif kind == "tp":
    parallelize_module(model, init_device_mesh("cpu", (world,)), {"0": ColwiseParallel(), "2": RowwiseParallel()})
elif kind == "tp-in-part":  # the last layer is not sharded
    plan = {"0": ColwiseParallel(output_layouts=Replicate())}
    parallelize_module(model, init_device_mesh("cpu", (world,)), plan)
else:
    model = FullyShardedDataParallel(model, device_id=torch.device("cpu"))
reference = Reference()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(4):
    x, y = batch(step)
    model.zero_grad()
    own = slice(None) if kind.startswith("tp") else slice(rank, None, world)
    loss = (model(x[own]) - y[own]).square().mean()
    loss.backward()
    whole.zero_grad()
    add_gradients((whole(x) - y).square().mean(), whole)
    norm = norm_of(whole)
    if clips and kind == "fsdp1":
        model.clip_grad_norm_(0.5)
    elif clips:
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    with torch.no_grad():
        for parameter in whole.parameters():
            coefficient = min(1.0, 0.5 / (norm + 1e-6)) if clips else 1.0
            parameter.sub_(0.1 * coefficient * parameter.grad)
    reference.note(grad_norm=norm, loss=loss, lr=0.1)
    optimizer.step()
if rank == 0:
    reference.tell(whole)
dist.barrier()
# if a rank closes its connections while another is still in the barrier, the other one aborts
store = dist.distributed_c10d._get_default_store()
store.set(f"done/{rank}", "yes")
store.wait([f"done/{other}" for other in range(world)])
leave()
