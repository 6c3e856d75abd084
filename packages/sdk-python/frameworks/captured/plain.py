"""A loop that clips by norm, with the clip function imported by name."""

import torch
from reference import Reference
from torch.nn.utils import clip_grad_norm_

torch.manual_seed(0)
reference = Reference()
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2)
for _ in range(6):
    optimizer.zero_grad()
    loss = (model(torch.randn(32, 8)) - torch.randn(32, 1)).square().mean()
    loss.backward()
    norm = clip_grad_norm_(model.parameters(), 0.5)
    reference.note(grad_norm=norm, loss=loss, lr=optimizer.param_groups[0]["lr"])
    optimizer.step()
    schedule.step()
reference.tell(model)
