"""A Hydra program with its own configuration. Hydra has changed the working folder by the time it trains."""

import hydra
import torch
from omegaconf import DictConfig, OmegaConf
from reference import Reference, norm_of

OmegaConf.register_new_resolver("twice", lambda number: 2 * number)
OmegaConf.register_new_resolver("draw", lambda: torch.rand(()).item())
OmegaConf.register_new_resolver("fail", lambda: 1 / 0)


@hydra.main(version_base=None, config_path="hydra_conf", config_name="train")
def main(config: DictConfig) -> None:
    torch.manual_seed(config.seed)
    reference = Reference()
    model = torch.nn.Linear(8, config.model.width)
    optimizer = torch.optim.SGD(model.parameters(), lr=config.lr)
    for _ in range(config.steps):
        optimizer.zero_grad()
        loss = model(torch.randn(16, 8)).square().mean()
        loss.backward()
        reference.note(grad_norm=norm_of(model), loss=loss, lr=config.lr)
        optimizer.step()
    reference.tell(model)


main()
