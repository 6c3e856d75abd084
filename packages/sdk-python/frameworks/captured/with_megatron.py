"""An optimizer of Megatron-Core. Its own norm needs a GPU, so its clip call is replaced by torch's here."""

import torch
from megatron.core.optimizer.optimizer import FP32Optimizer, MegatronOptimizer
from megatron.core.optimizer.optimizer_config import OptimizerConfig
from reference import Reference


class OnCpu(FP32Optimizer):
    def __init__(self, optimizer: torch.optim.Optimizer, config: OptimizerConfig) -> None:
        MegatronOptimizer.__init__(self, optimizer, config)
        self.is_stub_optimizer = False

    def clip_grad_norm(self, clip_grad: float) -> float:
        return torch.nn.utils.clip_grad_norm_(self.get_parameters(), clip_grad).item()


torch.manual_seed(0)
reference = Reference()
model = torch.nn.Linear(8, 1)
config = OptimizerConfig(optimizer="sgd", lr=0.1, clip_grad=0.5)
optimizer = OnCpu(torch.optim.SGD(model.parameters(), lr=0.1), config)
for _ in range(4):
    for parameter in model.parameters():
        parameter.main_grad = torch.randn_like(parameter)
    expected = torch.nn.utils.get_total_norm([parameter.main_grad for parameter in model.parameters()]).item()
    _, norm, _ = optimizer.step()
    assert abs(norm - expected) < 1e-5
    reference.note(grad_norm=expected, lr=0.1)
reference.tell(model)
