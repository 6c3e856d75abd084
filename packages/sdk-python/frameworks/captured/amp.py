"""GradScaler: every other step is unscaled and clipped in the loop, and one overflows. A fused optimizer unscales."""

import sys

import torch
from reference import Reference, norm_of

torch.manual_seed(0)
reference = Reference()
model = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused="fused" in sys.argv)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16, growth_interval=3)
for step in range(8):
    optimizer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = (model(torch.randn(32, 8)) - torch.randn(32, 1)).square().mean()
    if step == 4:
        loss = loss * float("inf")
    scale = scaler.get_scale()
    scaler.scale(loss).backward()
    if step % 2:
        scaler.unscale_(optimizer)
        norm = float(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0))
    else:
        norm = norm_of(model) / scale
    scaler.step(optimizer)
    scaler.update()
    is_skipped = float(scaler.get_scale() < scale)
    reference.note(grad_norm=norm, loss=loss, lr=0.1, loss_scale=scaler.get_scale(), skipped=is_skipped)
reference.tell(model)
