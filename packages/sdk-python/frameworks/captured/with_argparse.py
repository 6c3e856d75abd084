"""argparse: its namespace is the run's config, without values that look like secrets."""

import argparse
from pathlib import Path

import torch
from reference import Reference, norm_of

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--width", type=int, default=4)
parser.add_argument("--data", type=Path, default=Path("corpus"))
parser.add_argument("--wandb-api-key")
arguments = parser.parse_args()
torch.manual_seed(0)
reference = Reference()
model = torch.nn.Linear(8, arguments.width)
optimizer = torch.optim.SGD(model.parameters(), lr=arguments.lr)
for _ in range(4):
    optimizer.zero_grad()
    loss = model(torch.randn(16, 8)).square().mean()
    loss.backward()
    reference.note(grad_norm=norm_of(model), loss=loss, lr=arguments.lr)
    optimizer.step()
reference.tell(model)
