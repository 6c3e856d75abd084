"""
A small GAN: a generator learns to put points on a ring, and a discriminator learns to tell them from real points. Each
network is clipped separately, so each is a part of the run with its own norm, cap and findings.

    python examples/gan.py        with a Normwatch server running and the packages torch and normwatch installed
"""

from __future__ import annotations

import math

import torch

import normwatch

STEPS = 400
BATCH_SIZE = 64
NOISE = 8
UNITS = 64
SEED = 3
CAPS = {"generator": 0.5, "discriminator": 0.25}


def ring(count: int, generator: torch.Generator) -> torch.Tensor:
    """Real points, count × 2: on a circle of radius 2, with a little noise."""
    angles = 2 * math.pi * torch.rand(count, generator=generator)
    noise = 0.05 * torch.randn(count, 2, generator=generator)
    return 2 * torch.stack((angles.cos(), angles.sin()), dim=1) + noise


def network(inputs: int, outputs: int) -> torch.nn.Sequential:
    return torch.nn.Sequential(
        torch.nn.Linear(inputs, UNITS), torch.nn.LeakyReLU(0.2),
        torch.nn.Linear(UNITS, UNITS), torch.nn.LeakyReLU(0.2),
        torch.nn.Linear(UNITS, outputs),
    )  # fmt: skip


def distance_from_ring(points: torch.Tensor) -> float:
    """Mean distance of points from the circle: 0 is perfect, and untrained noise around the origin gives about 2."""
    return float((points.norm(dim=1) - 2).abs().mean())


def train(steps: int = STEPS, seed: int = SEED) -> tuple[normwatch.Run, float]:
    """Returns the run, and the final mean distance of the generated points from the ring."""
    torch.manual_seed(seed)
    chance = torch.Generator().manual_seed(seed)
    generator, discriminator = network(NOISE, 2), network(2, 1)
    generator_steps = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.9))
    discriminator_steps = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.9))
    loss_of = torch.nn.functional.binary_cross_entropy_with_logits
    real, fake = torch.ones(BATCH_SIZE, 1), torch.zeros(BATCH_SIZE, 1)

    run = normwatch.init("parts", "gan", config={"task": "ring", "seed": seed}, tags=["exercise"])
    run.part("generator", max_norm=CAPS["generator"], optimizer=generator_steps)
    run.part("discriminator", max_norm=CAPS["discriminator"], optimizer=discriminator_steps)
    for _ in range(steps):
        made = generator(torch.randn(BATCH_SIZE, NOISE, generator=chance))

        discriminator_steps.zero_grad()
        guess_real, guess_made = discriminator(ring(BATCH_SIZE, chance)), discriminator(made.detach())
        discriminator_loss = loss_of(guess_real, real) + loss_of(guess_made, fake)
        discriminator_loss.backward()
        normwatch.clip_grad_norm_(discriminator.parameters(), CAPS["discriminator"], part="discriminator")
        discriminator_steps.step()

        generator_steps.zero_grad()
        generator_loss = loss_of(discriminator(made), real)
        generator_loss.backward()
        normwatch.clip_grad_norm_(generator.parameters(), CAPS["generator"], part="generator")
        generator_steps.step()

        run.log({"loss/generator": generator_loss, "loss/discriminator": discriminator_loss})
    distance = distance_from_ring(generator(torch.randn(512, NOISE, generator=chance)).detach())
    run.finish()
    return run, distance


if __name__ == "__main__":
    run, distance = train()
    print(f"{distance:.2f} from the ring on average: {run.url}")
