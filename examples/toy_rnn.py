"""
The classic exercise on gradient clipping: trains a small RNN on the adding problem for 5 epochs without clipping, then
with clipping by global norm, then with clipping by value. Logs the norm before clipping at every batch.

    python examples/toy_rnn.py        with a Normwatch server running and the packages torch and normwatch installed
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch

import normwatch

LENGTH = 40
UNITS = 64
EPOCHS = 5
BATCHES = 60
BATCH_SIZE = 32
SEED = 14


class Exercise(NamedTuple):
    name: str
    max_norm: float | None = None
    clip_value: float | None = None


EXERCISES = (
    Exercise("no clipping"),
    Exercise("clip by norm 1.0", max_norm=1.0),
    Exercise("clip by value 0.05", clip_value=0.05),
)


class Adder(torch.nn.Module):
    """A tanh RNN. Its recurrent matrix starts as 1.1 times an orthogonal one, so gradients grow back through time."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = torch.nn.RNN(2, UNITS, batch_first=True)
        self.head = torch.nn.Linear(UNITS, 1)
        torch.nn.init.orthogonal_(self.rnn.weight_hh_l0, gain=1.1)

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        states, _ = self.rnn(sequence)
        return self.head(states[:, -1]).squeeze(-1)


def adding_problem(seed: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of one epoch: sequences of numbers in [0, 1) with two marks. The target is the sum of the marked ones."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(BATCHES):
        values = torch.rand(BATCH_SIZE, LENGTH, generator=generator)
        marks = torch.zeros(BATCH_SIZE, LENGTH)
        half = LENGTH // 2
        for start in (0, half):
            marks.scatter_(1, torch.randint(start, start + half, (BATCH_SIZE, 1), generator=generator), 1.0)
        yield torch.stack((values, marks), dim=2), (values * marks).sum(dim=1)


def train(exercise: Exercise, seed: int = SEED) -> normwatch.Run:
    """Trains with one way of clipping, as its own run."""
    torch.manual_seed(seed)
    model = Adder()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
    run = normwatch.init(
        "toy-rnn",
        exercise.name,
        max_norm=exercise.max_norm,
        clip_value=exercise.clip_value,
        optimizer=optimizer,
        config={"task": "adding problem", "seed": seed},
        tags=["exercise"],
    )
    for epoch in range(EPOCHS):
        for sequence, target in adding_problem(1000 * seed + epoch):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(sequence), target)
            loss.backward()
            if exercise.clip_value is not None:
                normwatch.clip_grad_value_(model.parameters(), exercise.clip_value)
            else:
                normwatch.clip_grad_norm_(model.parameters(), exercise.max_norm or math.inf)
            optimizer.step()
            run.log(loss=loss)
    run.finish()
    return run


if __name__ == "__main__":
    runs = [train(exercise) for exercise in EXERCISES]
    print("compare: /compare?" + "&".join(f"run={run.id}" for run in runs))
