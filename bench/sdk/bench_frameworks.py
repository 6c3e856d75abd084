"""
The cost of a watched step for a model with many parameters, compared with the same step unwatched, in turns: clipping
with names compared with torch's own call, and Keras with and without the callback.

    python bench/sdk/bench_frameworks.py clip          current PyTorch
    KERAS_BACKEND=jax python bench/sdk/bench_frameworks.py keras

Nothing is sent (offline), because only the cost for the caller is measured. Prints medians and their ratio.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from typing import Callable

PARAMETERS = 1_000
ROUNDS = 60
STEPS_A_ROUND = 5
LAYERS = 24
UNITS = 128
KERAS_ROUNDS = 5
KERAS_STEPS = 40


def in_turns(ways: dict[str, Callable[[], float]], rounds: int) -> None:
    """Runs each way once per round, in changing order. Prints the median seconds, and the ratio to the first way."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 2):
        for name in sorted(ways, reverse=bool(number % 2)):
            took = ways[name]()
            if number >= 2:
                seconds[name].append(took)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    base = medians[next(iter(ways))]
    for name, median in medians.items():
        print(f"{name}: {median * 1e3:.3f} ms, {median / base:.3f} x")


def clip() -> None:
    import torch

    import normwatch

    torch.set_num_threads(1)
    model = torch.nn.ModuleList(torch.nn.Linear(64, 64) for _ in range(PARAMETERS // 2))
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter) * 1e-3
    run = normwatch.init(mode="offline", max_norm=1.0)

    def timed(step: Callable[[], object]) -> Callable[[], float]:
        def measure() -> float:
            began = time.perf_counter()
            for _ in range(STEPS_A_ROUND):
                step()
            return (time.perf_counter() - began) / STEPS_A_ROUND

        return measure

    def watched(named: bool) -> Callable[[], None]:
        def step() -> None:
            normwatch.clip_grad_norm_(model.named_parameters() if named else model.parameters(), 1.0)
            run.log()

        return step

    ways = {
        "torch's clip call": timed(lambda: torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)),
        "with the norm recorded": timed(watched(False)),
        "with every layer recorded": timed(watched(True)),
    }
    in_turns(ways, ROUNDS)


def keras() -> None:
    import keras
    import numpy as np

    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(1)

    from normwatch.keras import NormwatchCallback

    def make() -> keras.Model:
        layers = [keras.layers.Dense(UNITS, activation="relu") for _ in range(LAYERS)]
        model = keras.Sequential([keras.Input((UNITS,)), *layers, keras.layers.Dense(1)])
        model.compile(keras.optimizers.Adam(1e-3, global_clipnorm=1.0), loss="mse")
        return model

    x = np.random.default_rng(0).normal(size=(32 * KERAS_STEPS, UNITS)).astype("float32")
    y = x.sum(axis=1)

    class Clock(keras.callbacks.Callback):
        """Seconds per step, from the first to the last of an epoch, so that compilation and set-up do not count."""

        took = 0.0

        def on_train_batch_end(self, batch, logs=None):
            if batch == 7:
                self.began = time.perf_counter()
            elif batch == KERAS_STEPS - 1:
                self.took = (time.perf_counter() - self.began) / (KERAS_STEPS - 8)

    def epoch(watched: bool) -> Callable[[], float]:
        model = make()

        def fit() -> float:
            clock = Clock()
            callbacks = [NormwatchCallback(mode="offline"), clock] if watched else [clock]
            model.fit(x, y, batch_size=32, epochs=1, verbose=0, callbacks=callbacks)
            return clock.took

        return fit

    in_turns({"a step of Keras": epoch(False), "with its norm recorded": epoch(True)}, KERAS_ROUNDS)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NORMWATCH_SPOOL"] = folder
        {"clip": clip, "keras": keras}[sys.argv[1]]()
