"""
Trains an actor and a critic, as in PPO, on a small task: walk right along a corridor, with a reward at its far end.
The critic takes several steps for each step of the actor, so each part of the run counts its own steps.

    python examples/actor_critic.py    with a Normwatch server running and the packages torch and normwatch installed
"""

from __future__ import annotations

import torch

import normwatch

STATES = 10
EPISODES = 16
HORIZON = 24
UPDATES = 80
CRITIC_STEPS = 4
DISCOUNT = 0.97
CLIP_RATIO = 0.2
SEED = 5


def walk(actor: torch.nn.Module, chance: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Episodes: the states (as one-hot vectors), the actions (0 left, 1 right), and the discounted returns."""
    place = torch.zeros(EPISODES, dtype=torch.long)
    states, actions, rewards = [], [], []
    for _ in range(HORIZON):
        state = torch.nn.functional.one_hot(place, STATES).float()
        with torch.no_grad():
            right = torch.sigmoid(actor(state)).squeeze(1)
        action = (torch.rand(EPISODES, generator=chance) < right).long()
        place = (place + 2 * action - 1).clamp(0, STATES - 1)
        states.append(state)
        actions.append(action)
        rewards.append((place == STATES - 1).float())
    returns, later = [], torch.zeros(EPISODES)
    for reward in reversed(rewards):
        later = reward + DISCOUNT * later
        returns.append(later)
    return torch.cat(states), torch.cat(actions), torch.cat(returns[::-1])


def train(updates: int = UPDATES, seed: int = SEED) -> tuple[normwatch.Run, list[float]]:
    """Returns the run, and the mean return of each update."""
    torch.manual_seed(seed)
    chance = torch.Generator().manual_seed(seed)
    actor = torch.nn.Sequential(torch.nn.Linear(STATES, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
    critic = torch.nn.Sequential(torch.nn.Linear(STATES, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
    actor_steps = torch.optim.Adam(actor.parameters(), lr=1e-2)
    critic_steps = torch.optim.Adam(critic.parameters(), lr=2e-2)

    run = normwatch.init("parts", "actor and critic", config={"task": "corridor", "seed": seed}, tags=["exercise"])
    actor_part = run.part("actor", max_norm=0.5, optimizer=actor_steps)
    critic_part = run.part("critic", max_norm=1.0, optimizer=critic_steps)
    earned = []
    for _ in range(updates):
        states, actions, returns = walk(actor, chance)
        for _ in range(CRITIC_STEPS):
            critic_steps.zero_grad()
            critic_loss = (critic(states).squeeze(1) - returns).square().mean()
            critic_loss.backward()
            critic_part.clip_grad_norm_(critic.parameters(), 1.0)
            critic_steps.step()
            critic_part.log(loss=critic_loss)

        advantage = returns - critic(states).squeeze(1).detach()
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-6)
        before = torch.distributions.Bernoulli(logits=actor(states).squeeze(1).detach()).log_prob(actions.float())
        for _ in range(2):
            actor_steps.zero_grad()
            policy = torch.distributions.Bernoulli(logits=actor(states).squeeze(1))
            ratio = (policy.log_prob(actions.float()) - before).exp()
            kept = torch.minimum(ratio * advantage, ratio.clamp(1 - CLIP_RATIO, 1 + CLIP_RATIO) * advantage)
            actor_loss = -kept.mean() - 0.01 * policy.entropy().mean()
            actor_loss.backward()
            actor_part.clip_grad_norm_(actor.parameters(), 0.5)
            actor_steps.step()
            actor_part.log(loss=actor_loss)
        earned.append(float(returns.mean()))
        run.log({"return": earned[-1]})
    run.finish()
    return run, earned


if __name__ == "__main__":
    run, earned = train()
    print(f"the return rose from {earned[0]:.2f} to {earned[-1]:.2f}: {run.url}")
