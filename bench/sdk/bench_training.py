"""
What monitoring costs a whole training: epochs of the toy RNN with torch's own clip call and no monitor, and with
`normwatch.clip_grad_norm_` and `run.log`, in turns. `NORMWATCH_URL=… python bench_training.py 30`, one line of JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Callable, NamedTuple

import torch

import normwatch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

from toy_rnn import Adder, adding_problem


class Cost(NamedTuple):
    """Seconds of an epoch: on the clock, and of processor time, the background thread's included."""

    wall: float
    cpu: float


def epoch(model: Adder, optimizer: torch.optim.Optimizer, clip: Callable[..., Any], run: normwatch.Run | None) -> Cost:
    batches = list(adding_problem(seed=1))
    began, began_cpu = time.perf_counter(), time.process_time()
    for sequence, target in batches:
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(sequence), target)
        loss.backward()
        clip(model.parameters(), 1.0)
        optimizer.step()
        if run is not None:
            run.log(loss=loss)
    return Cost(time.perf_counter() - began, time.process_time() - began_cpu)


def main(pairs: int) -> None:
    torch.manual_seed(14)
    torch.set_num_threads(1)
    model = Adder()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    run = normwatch.init("bench", "toy RNN", max_norm=1.0, optimizer=optimizer)
    pairs_seen: list[tuple[Cost, Cost]] = []
    for _ in range(pairs + 1):
        costs: dict[bool, list[Cost]] = {False: [], True: []}
        for is_watched in (False, True, True, False):  # so that a machine that slows down slows both
            clip = normwatch.clip_grad_norm_ if is_watched else torch.nn.utils.clip_grad_norm_
            costs[is_watched].append(epoch(model, optimizer, clip, run if is_watched else None))
        plain, watched = (Cost(*map(sum, zip(*costs[is_watched]))) for is_watched in (False, True))
        pairs_seen.append((plain, watched))
    run.finish()
    del pairs_seen[0]  # it warmed up
    print(json.dumps({"pairs": pairs, **{name: ratios(pairs_seen, name) for name in Cost._fields}}))


def ratios(pairs: list[tuple[Cost, Cost]], name: str) -> dict[str, float]:
    """With the monitor against without it: the median of the pairs, and their quartiles."""
    ordered = sorted(getattr(watched, name) / getattr(plain, name) for plain, watched in pairs)
    low, middle, high = statistics.quantiles(ordered, n=4)
    return {"median": round(middle, 4), "lower_quartile": round(low, 4), "upper_quartile": round(high, 4)}


if __name__ == "__main__":
    main(int(sys.argv[1]))
