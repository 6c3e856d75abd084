"""A compiled model and a compiled optimizer step: torch.compile must trace torch's own functions, not wrappers."""

import torch
from reference import Reference

torch.manual_seed(0)
reference = Reference()
model = torch.nn.Linear(4, 1)
compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(4):
    optimizer.zero_grad()
    loss = (compiled(torch.randn(16, 4)) - torch.randn(16, 1)).square().mean()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    optimizer.step()
    reference.note(grad_norm=norm, loss=loss, lr=0.1)
reference.tell(model)
