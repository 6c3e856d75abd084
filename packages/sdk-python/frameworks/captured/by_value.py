"""A loop that clips by value. Norm, largest element and clamped share are those of the gradients before clipping."""

import torch
from reference import Reference, norm_of

torch.manual_seed(0)
reference = Reference()
model = torch.nn.Linear(8, 4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(4):
    optimizer.zero_grad()
    loss = (model(torch.randn(32, 8)) - torch.randn(32, 4)).square().mean()
    loss.backward()
    sizes = torch.cat([parameter.grad.abs().reshape(-1) for parameter in model.parameters()])
    clamped = (sizes > 0.05).double().mean()
    reference.note(grad_norm=norm_of(model), loss=loss, max_abs_grad=sizes.max(), clip_fraction=clamped)
    torch.nn.utils.clip_grad_value_(model.parameters(), 0.05)
    optimizer.step()
reference.tell(model)
