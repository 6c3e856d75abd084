"""LBFGS evaluates its closure several times per step: first for the training, then for a line search. May clip."""

import sys

import torch
from reference import Reference, norm_of

torch.manual_seed(0)
reference = Reference()
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=5)
x, y = torch.randn(64, 4), torch.randn(64, 1)
for _ in range(3):
    evaluations = []

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        norm = norm_of(model)
        if "clip" in sys.argv:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.3)
        evaluations.append((norm, loss.item()))  # noqa: B023
        return loss

    optimizer.step(closure)
    reference.note(grad_norm=evaluations[0][0], loss=evaluations[0][1], lr=0.5)
reference.tell(model)
