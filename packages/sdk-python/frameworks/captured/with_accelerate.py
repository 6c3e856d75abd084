"""accelerate's loop: prepare, accumulate, backward, clip_grad_norm_."""

import sys

import torch
from accelerate import Accelerator
from reference import Reference

torch.manual_seed(0)
reference = Reference()
accelerator = Accelerator(cpu=True, gradient_accumulation_steps=int(sys.argv[1]))
model = torch.nn.Linear(4, 1)
data = torch.utils.data.DataLoader(torch.randn(64, 4), batch_size=8)
model, optimizer, data = accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=0.1), data)
losses = []
for batch in data:
    with accelerator.accumulate(model):
        loss = (model(batch) - 1).square().mean()
        losses.append(loss.item())
        accelerator.backward(loss)
        if accelerator.sync_gradients:
            norm = accelerator.clip_grad_norm_(model.parameters(), 0.5)
            reference.note(grad_norm=norm, loss=sum(losses) / len(losses), lr=0.1)
            losses.clear()
        optimizer.step()
        optimizer.zero_grad()
reference.tell(model)
