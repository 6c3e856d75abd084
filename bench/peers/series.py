"""The run that every tracker logs: a norm with one-step spikes, and a loss. Each call returns the same values."""

from __future__ import annotations

import math
import random

SPIKE_EVERY = 2161


def is_spike(step: int) -> bool:
    return step % SPIKE_EVERY == 2000


def series(steps: int) -> tuple[list[float], list[float]]:
    chance = random.Random(1)
    norms = [chance.uniform(40, 60) if is_spike(step) else math.exp(chance.gauss(0, 0.35)) for step in range(steps)]
    losses = [2 + 6 / math.sqrt(1 + step / 200) + chance.gauss(0, 0.05) for step in range(steps)]
    return norms, losses
