"""A training that skips steps whose norm is not finite. With `zeros`, it keeps its gradients and sets them to zero."""

import sys

import torch
from reference import Reference

torch.manual_seed(0)
reference = Reference()
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(6):
    optimizer.zero_grad(set_to_none="zeros" not in sys.argv)
    loss = (model(torch.randn(16, 4)) - torch.randn(16, 1)).square().mean()
    if step in (2, 3):
        loss = loss * float("nan")
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    if torch.isfinite(norm):
        reference.note(grad_norm=norm, loss=loss, lr=0.1)
        optimizer.step()
    else:
        reference.note(grad_norm=norm, loss=loss, skipped=1)
reference.tell(model)
