"""One clip call for the parameters of two optimizers: the norm belongs to the whole training."""

import torch
from reference import Reference

torch.manual_seed(0)
reference = Reference()
model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 1))
first = torch.optim.SGD(model[0].parameters(), lr=0.1)
second = torch.optim.AdamW(model[1].parameters(), lr=0.01)
for _ in range(4):
    model.zero_grad()
    loss = (model(torch.randn(16, 8)) - 1).square().mean()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    first.step()
    second.step()
    reference.note(grad_norm=norm, loss__sgd=loss, lr__sgd=0.1, lr__adamw=0.01)
reference.tell(model)
