"""A click command, which exits the process itself."""

import click
import torch
from reference import Reference, norm_of


@click.command()
@click.option("--lr", type=float, default=0.1)
@click.option("--api-key", default="")
@click.option("--fail", is_flag=True)
def main(lr: float, api_key: str, fail: bool) -> None:
    torch.manual_seed(0)
    reference = Reference()
    model = torch.nn.Linear(8, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(4):
        optimizer.zero_grad()
        loss = model(torch.randn(16, 8)).square().mean()
        loss.backward()
        reference.note(grad_norm=norm_of(model), loss=loss, lr=lr)
        optimizer.step()
    reference.tell(model)
    if fail:
        raise click.ClickException("no more data")


main()
