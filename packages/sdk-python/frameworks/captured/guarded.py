"""A training that skips a step whose norm is not finite."""

import torch
from reference import Reference

torch.manual_seed(0)
reference = Reference()
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(5):
    optimizer.zero_grad()
    loss = (model(torch.randn(16, 4)) - torch.randn(16, 1)).square().mean()
    if step == 2:
        loss = loss * float("nan")
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    if torch.isfinite(norm):
        reference.note(grad_norm=norm, loss=loss, lr=0.1)
        optimizer.step()
    else:
        reference.note(grad_norm=norm, loss=loss, skipped=1)
reference.tell(model)
