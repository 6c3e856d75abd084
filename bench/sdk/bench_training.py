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
from typing import Any, Callable

import torch

import normwatch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

from toy_rnn import Adder, adding_problem


def epoch(model: Adder, optimizer: torch.optim.Optimizer, clip: Callable[..., Any], run: normwatch.Run | None) -> float:
    """CPU seconds of the whole process, background thread included."""
    batches = list(adding_problem(seed=1))
    began = time.process_time()
    for sequence, target in batches:
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(sequence), target)
        loss.backward()
        clip(model.parameters(), 1.0)
        optimizer.step()
        if run is not None:
            run.log(loss=loss)
    return time.process_time() - began


def main(pairs: int) -> None:
    torch.manual_seed(14)
    torch.set_num_threads(1)
    model = Adder()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    run = normwatch.init("bench", "toy RNN", max_norm=1.0, optimizer=optimizer)
    without, with_it = [], []
    for pair in range(pairs + 1):
        plain, watched = 0.0, 0.0
        for is_watched in (False, True, True, False):  # so that a machine that slows down slows both
            if is_watched:
                watched += epoch(model, optimizer, normwatch.clip_grad_norm_, run)
            else:
                plain += epoch(model, optimizer, torch.nn.utils.clip_grad_norm_, None)
        if pair > 0:  # the first is for warming up
            without.append(plain / 2)
            with_it.append(watched / 2)
    run.finish()
    ratios = sorted(watched / plain for plain, watched in zip(without, with_it))
    print(
        json.dumps(
            {
                "pairs": pairs,
                "epoch_ms_without": round(1e3 * statistics.median(without), 2),
                "epoch_ms_with": round(1e3 * statistics.median(with_it), 2),
                "ratio_median": round(statistics.median(ratios), 4),
                "ratio_quartiles": [round(ratios[len(ratios) // 4], 4), round(ratios[3 * len(ratios) // 4], 4)],
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
