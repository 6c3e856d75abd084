"""Four micro-batches a step, each loss divided by four, nothing clipped."""

import torch
from reference import Reference, norm_of

torch.manual_seed(0)
reference = Reference()
model = torch.nn.Linear(8, 1)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
for _ in range(5):
    losses = []
    for _ in range(4):
        loss = (model(torch.randn(8, 8)) - torch.randn(8, 1)).square().mean()
        losses.append(loss.item())
        (loss / 4).backward()
    reference.note(grad_norm=norm_of(model), loss=sum(losses) / 4, lr=0.01)
    optimizer.step()
    optimizer.zero_grad()
reference.tell(model)
