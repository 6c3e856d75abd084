"""Data-loader workers, forked or spawned: only the process that trains is watched."""

import sys

import torch
from reference import Reference, norm_of


def main() -> None:
    torch.manual_seed(0)
    reference = Reference()
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    data = torch.utils.data.TensorDataset(torch.randn(64, 4), torch.randn(64, 1))
    for x, y in torch.utils.data.DataLoader(data, 16, num_workers=2, multiprocessing_context=sys.argv[1]):
        optimizer.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        reference.note(grad_norm=norm_of(model), loss=loss, lr=0.1)
        optimizer.step()
    reference.tell(model)


if __name__ == "__main__":
    main()
