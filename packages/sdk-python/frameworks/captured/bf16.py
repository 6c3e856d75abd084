"""Weights and gradients in bfloat16, whose norm is summed in float32."""

import torch
from reference import Reference, norm_of

torch.manual_seed(0)
reference = Reference()
model = torch.nn.Linear(64, 64).bfloat16()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(4):
    optimizer.zero_grad()
    loss = model(torch.randn(16, 64).bfloat16()).float().square().mean()
    loss.backward()
    reference.note(grad_norm=norm_of(model), loss=loss, lr=0.01)
    optimizer.step()
reference.tell(model)
