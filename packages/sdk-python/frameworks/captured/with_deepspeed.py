"""DeepSpeed without ZeRO or with stage 2, with two micro-batches per step. It clips inside its own engine."""

import os
import socket
import sys

import deepspeed
import torch
from reference import Reference, add_gradients, norm_of

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = str(probe.getsockname()[1])
os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port, RANK="0", LOCAL_RANK="0", WORLD_SIZE="1")
deepspeed.ops.__compatible_ops__.clear()  # else it compiles C++ for minutes, for communication within one machine
stage = int(sys.argv[1])
torch.manual_seed(0)
reference = Reference()
model = torch.nn.Linear(8, 1)
settings = {
    "train_micro_batch_size_per_gpu": 8,
    "gradient_accumulation_steps": 2,
    "gradient_clipping": 0.5,
    "optimizer": {"type": "AdamW", "params": {"lr": 0.01, "torch_adam": True}},
    "zero_optimization": {"stage": stage},
    "bf16": {"enabled": stage > 0},
}
engine, *_ = deepspeed.initialize(model=model, model_parameters=model.parameters(), config=settings)
twin = torch.nn.Linear(8, 1)
"""A copy of the weights outside DeepSpeed, because DeepSpeed's hooks count every gradient."""
for _ in range(4):
    losses = []
    twin.load_state_dict({name: value.float() for name, value in model.state_dict().items()})
    twin.zero_grad()
    for _ in range(2):
        x = torch.randn(8, 8).to(model.weight.dtype)
        loss = (engine(x).float() - 1).square().mean()
        add_gradients((twin(x.float()) - 1).square().mean() / 2, twin)
        losses.append(loss.item())
        engine.backward(loss)
        engine.step()
    reference.note(grad_norm=norm_of(twin), loss=sum(losses) / 2, lr=0.01)
reference.tell(model)
