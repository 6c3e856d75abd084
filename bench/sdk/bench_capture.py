"""
The cost of `autolog` for an unchanged training: the toy RNN with and without it, a few steps each in turns. Measured
with torch's own clip call, and without clipping, where the watcher measures the norm itself.
The cost is a median over pairs, both in wall time and in processor time. If other programs run, only processor time is
reliable. `NORMWATCH_URL=… python bench_capture.py 200` prints one line of JSON per kind.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from normwatch.capture import patches
from normwatch.capture.training import CapturedTraining

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

from bench_training import STEPS, interval
from toy_rnn import Adder, adding_problem

IS_WATCHED = (False, True, True, False)
WARM_UP_ROUNDS = 3
CLOCKS = ("passed", "processor")


class Turns:
    """Runs turns of training steps and returns the seconds of each: wall time and processor time."""

    def __init__(self, clips: bool) -> None:
        self._clips = clips
        self._model = Adder()
        self._optimizer = torch.optim.SGD(self._model.parameters(), lr=1e-3)
        # a prime number of batches, so that each turn gets every batch
        self._batches: Iterator[Any] = itertools.cycle(list(adding_problem(seed=1))[:59])

    def take(self) -> tuple[float, float]:
        """One unmeasured step, because setting a class attribute clears Python's caches. Then the measured steps."""
        self._train(1)
        began, began_thread = time.perf_counter(), time.thread_time()
        self._train(STEPS)
        return time.perf_counter() - began, time.thread_time() - began_thread

    def _train(self, steps: int) -> None:
        for sequence, target in itertools.islice(self._batches, steps):
            self._optimizer.zero_grad()
            torch.nn.functional.mse_loss(self._model(sequence), target).backward()
            if self._clips:
                torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
            self._optimizer.step()


def main(rounds: int) -> None:
    torch.manual_seed(14)
    torch.set_num_threads(1)
    for clips in (True, False):
        turns = Turns(clips)
        training = CapturedTraining(1, True, {"project": "bench", "name": "toy RNN, watched"})
        rows = [
            [take(turns, training, is_watched) for is_watched in IS_WATCHED] for _ in range(WARM_UP_ROUNDS + rounds)
        ]
        report: dict[str, Any] = {"kind": "clips" if clips else "is measured", "rounds": rounds}
        for number, clock in enumerate(CLOCKS):
            seconds = [[turn[number] for turn in row] for row in rows[WARM_UP_ROUNDS:]]
            costs = [100 * ((row[1] + row[2]) / (row[0] + row[3]) - 1) for row in seconds]
            step = statistics.median((row[0] + row[3]) / 2 for row in seconds) / STEPS
            report[clock] = {
                "step_ms": round(1e3 * step, 2),
                "cost_percent": round(statistics.median(costs), 2),
                "interval_95_percent": [round(cost, 2) for cost in interval(costs)],
                "cost_us_a_step": round(1e4 * step * statistics.median(costs), 1),
            }
        print(json.dumps(report))


def take(turns: Turns, training: CapturedTraining, is_watched: bool) -> tuple[float, float]:
    if is_watched:
        patches.install(training)
    seconds = turns.take()
    patches.remove()
    return seconds


if __name__ == "__main__":
    main(int(sys.argv[1]))
