"""
The cost of `autolog` for an unchanged training: the toy RNN with and without it, a few steps each in turns. Measured
with torch's own clip call; and without clipping, where the watcher measures the norm itself, compared with a training
that does not know its norm, with one that computes it by torch's own `get_total_norm`, and with one that calls
`clip_grad_norm_` with an infinite cap, as people do by hand.

Costs are medians over rounds, both in wall time and in processor time. If other programs run, only processor time is
reliable. Memory is the peak of a whole process that trains, with and without. `NORMWATCH_URL=… python bench_capture.py
200` prints one line of JSON per comparison.
"""

from __future__ import annotations

import itertools
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

import normwatch
from normwatch.capture import patches
from normwatch.capture.training import CapturedTraining

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

from bench_training import interval
from toy_rnn import Adder, adding_problem

STEPS = 10
"""Steps per turn. Cache misses caused by the watcher fall into the same turn."""
STEPS_BEFORE = 3
"""Unmeasured steps at the start of a turn: putting a wrapper on a class clears Python's caches."""
WARM_UP_ROUNDS = 3
CLOCKS = ("passed", "processor")
PROCESSES = 3
TRAINING = """
import resource, torch
torch.set_num_threads(1)
model = torch.nn.RNN(2, 64)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
for step in range(2000):
    optimizer.zero_grad()
    model(torch.ones(8, 4, 2))[0].square().mean().backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
"""Prints its peak memory in MiB."""


class Turns:
    """Runs turns of training steps and returns the seconds of each: wall time and processor time."""

    def __init__(self) -> None:
        self._model = Adder()
        self._optimizer = torch.optim.SGD(self._model.parameters(), lr=1e-3)
        # a prime number of batches, so that each turn gets every batch
        self._batches: Iterator[Any] = itertools.cycle(list(adding_problem(seed=1))[:59])

    def take(self, way: str) -> tuple[float, float]:
        self.train(STEPS_BEFORE, way)
        began, began_thread = time.perf_counter(), time.thread_time()
        self.train(STEPS, way)
        return time.perf_counter() - began, time.thread_time() - began_thread

    def train(self, steps: int, way: str) -> None:
        for sequence, target in itertools.islice(self._batches, steps):
            self._optimizer.zero_grad()
            torch.nn.functional.mse_loss(self._model(sequence), target).backward()
            if way == "clip":
                torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
            elif way == "infinite cap":
                torch.nn.utils.clip_grad_norm_(self._model.parameters(), math.inf)
            elif way == "norm":
                torch.nn.utils.get_total_norm([p.grad for p in self._model.parameters() if p.grad is not None]).item()
            self._optimizer.step()


COMPARED = {
    "a training that clips": ("clip", "clip"),
    "a training that does not clip": ("nothing", "nothing"),
    "a training that does not clip, against one that computes its norm": ("norm", "nothing"),
    "a training that does not clip, against one that clips at infinity": ("infinite cap", "nothing"),
}
"""What the training does each step, when it is not watched and when it is."""


def main(rounds: int) -> None:
    torch.manual_seed(14)
    torch.set_num_threads(1)
    for name, (alone, watched) in COMPARED.items():
        turns = Turns()
        training = CapturedTraining(1, True, {"project": "bench", "name": "toy RNN, watched"})
        order = ((alone, False), (watched, True), (watched, True), (alone, False))
        rows = [[take(turns, training, *turn) for turn in order] for _ in range(WARM_UP_ROUNDS + rounds)]
        report: dict[str, Any] = {"of": name, "rounds": rounds}
        for number, clock in enumerate(CLOCKS):
            seconds = [[turn[number] / STEPS for turn in row] for row in rows[WARM_UP_ROUNDS:]]
            costs = [1e6 * ((row[1] + row[2]) - (row[0] + row[3])) / 2 for row in seconds]
            step = 1e6 * statistics.median((row[0] + row[3]) / 2 for row in seconds)
            report[clock] = {
                "step_us": round(step),
                "cost_us": round(statistics.median(costs), 1),
                "interval_95_us": [round(cost, 1) for cost in interval(costs)],
                "cost_percent": round(100 * statistics.median(costs) / step, 2),
            }
        print(json.dumps(report), flush=True)
        normwatch.finish()  # else the next comparison would record to this run, as if the training had made it itself
    peaks = [[peak_of_a_process(is_watched) for is_watched in (False, True)] for _ in range(PROCESSES)]
    alone, watched = (statistics.median(column) for column in zip(*peaks))
    print(
        json.dumps(
            {"memory_mib": {"alone": round(alone), "watched": round(watched), "cost": round(watched - alone, 1)}}
        )
    )


def take(turns: Turns, training: CapturedTraining, way: str, is_watched: bool) -> tuple[float, float]:
    # both ways begin with wrappers that were just put on, which clears Python's caches of classes
    patches.install(training)
    if not is_watched:
        patches.remove()
    seconds = turns.take(way)
    patches.remove()
    return seconds


def peak_of_a_process(is_watched: bool) -> float:
    """The peak memory of a process that trains, in MiB."""
    train = ["-m", "normwatch", "run", "--project", "bench", "--", sys.executable] if is_watched else []
    command = [sys.executable, *train, "-c", TRAINING]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main(int(sys.argv[1]))
