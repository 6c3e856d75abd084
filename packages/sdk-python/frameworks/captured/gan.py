"""Two optimizers of the same class: two parts, in the order in which they were created."""

import torch
from reference import Reference

torch.manual_seed(0)
reference = Reference()
generator, critic = torch.nn.Linear(4, 8), torch.nn.Linear(8, 1)
of_generator = torch.optim.Adam(generator.parameters(), lr=1e-3)
of_critic = torch.optim.Adam(critic.parameters(), lr=2e-3)
for _ in range(4):
    of_critic.zero_grad()
    critic_loss = critic(generator(torch.randn(16, 4)).detach()).mean() - critic(torch.randn(16, 8)).mean()
    critic_loss.backward()
    critic_norm = torch.nn.utils.clip_grad_norm_(critic.parameters(), 0.5)
    of_critic.step()
    of_generator.zero_grad()
    loss = -critic(generator(torch.randn(16, 4))).mean()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(generator.parameters(), 1.0)
    of_generator.step()
    reference.note(
        **{"grad_norm__adam-1": norm, "loss__adam-1": loss, "lr__adam-1": 1e-3},
        **{"grad_norm__adam-2": critic_norm, "loss__adam-2": critic_loss, "lr__adam-2": 2e-3},
    )
reference.tell(generator, critic)
