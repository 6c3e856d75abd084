"""
The cost of monitoring for a training. Trains the toy RNN with torch's own clip call and no monitor, and with
`normwatch.clip_grad_norm_` and `run.log`, a few steps each in turns, so that a slower machine slows both. Also measures
`init` and `finish`, and the whole training with them. `NORMWATCH_URL=… python bench_training.py 200` prints one line of
JSON.
"""

from __future__ import annotations

import itertools
import json
import math
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

import normwatch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

from toy_rnn import BATCHES, EPOCHS, Adder, adding_problem

STEPS = 5
"""Steps per turn. Cache misses caused by the monitor fall into the same turn."""


RUNS = 10


class Turns:
    """Runs turns of training steps, with or without a run, and returns the seconds of each turn."""

    def __init__(self) -> None:
        self._model = Adder()
        self._optimizer = torch.optim.SGD(self._model.parameters(), lr=1e-3)
        # a prime number of batches, so that each turn gets every batch
        self._batches: Iterator[Any] = itertools.cycle(list(adding_problem(seed=1))[:59])

    def take(self, run: normwatch.Run | None) -> float:
        clip: Any = torch.nn.utils.clip_grad_norm_ if run is None else normwatch.clip_grad_norm_
        began = time.perf_counter()
        for sequence, target in itertools.islice(self._batches, STEPS):
            self._optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(self._model(sequence), target)
            loss.backward()
            clip(self._model.parameters(), 1.0)
            self._optimizer.step()
            if run is not None:
                run.log(loss=loss, lr=1e-3)
        return time.perf_counter() - began


def main(rounds: int) -> None:
    torch.manual_seed(14)
    torch.set_num_threads(1)
    turns = Turns()
    costs: list[float] = []
    plain: list[float] = []
    inits: list[float] = []
    finishes: list[float] = []
    for _ in range(RUNS):
        began = time.perf_counter()
        run = normwatch.init("bench", "toy RNN", max_norm=1.0)
        inits.append(time.perf_counter() - began)
        for number in range(2 + rounds // RUNS):
            first, watched, again, last = (turns.take(by) for by in (None, run, run, None))
            if number >= 2:  # the first two warm up
                plain.append((first + last) / 2)
                costs.append(100 * ((watched + again) / (first + last) - 1))
        trained = time.perf_counter()
        run.finish()
        finishes.append(time.perf_counter() - trained)
    step = statistics.median(plain) / STEPS
    ends = 100 * (statistics.median(inits) + statistics.median(finishes)) / (EPOCHS * BATCHES * step)
    report = {
        "rounds": len(costs),
        "step_ms": round(1e3 * step, 2),
        "cost_percent": round(statistics.median(costs), 2),
        "interval_95_percent": [round(cost, 2) for cost in interval(costs)],
        "whole_cost_percent": round(statistics.median(costs) + ends, 2),
        "init_ms": round(1e3 * statistics.median(inits), 1),
        "finish_ms": round(1e3 * statistics.median(finishes), 1),
    }
    print(json.dumps(report))


def interval(values: list[float]) -> tuple[float, float]:
    """A 95 % confidence interval of the median from order statistics, which outliers do not affect."""
    ordered = sorted(values)
    middle, reach = len(ordered) / 2, 1.96 * math.sqrt(len(ordered)) / 2
    return ordered[max(0, int(middle - reach))], ordered[min(len(ordered) - 1, math.ceil(middle + reach))]


if __name__ == "__main__":
    main(int(sys.argv[1]))
