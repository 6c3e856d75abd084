"""
Linear models in Keras, on the backend of the environment: one per kind, each recorded as a run of that name. For each,
prints as JSON the true norm and the largest element of its first gradient, and the content of a checkpoint that was
saved with the callback.
"""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any

import keras
import numpy as np

from normwatch.keras import NormwatchCallback

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "plain": {"global_clipnorm": 0.01},
    "accumulation": {"global_clipnorm": 0.01, "gradient_accumulation_steps": 4},
    "value": {"clipvalue": 0.5},
    "clipnorm": {"clipnorm": 0.5},
    "schedule": {},
    "mixed": {"global_clipnorm": 0.01},
}
x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
y = x.sum(axis=1, keepdims=True) * 3


def train(kind: str, folder: str) -> dict[str, Any]:
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("mixed_float16" if kind == "mixed" else "float32")
    dense = keras.layers.Dense(1, kernel_initializer="ones", dtype="float32")
    model = keras.Sequential([keras.Input((4,)), dense])
    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 1, 0.5) if kind == "schedule" else 0.01
    model.compile(keras.optimizers.SGD(rate, momentum=0.9, **OPTIMIZERS[kind]), loss="mse")
    count = 32 if kind == "accumulation" else 8
    error = x[:count] @ np.ones((4, 1)) - y[:count]
    gradient = np.append(2 * (x[:count].T @ error).ravel() / count, 2 * error.mean())
    path = os.path.join(folder, f"{kind}.keras")
    callbacks = [NormwatchCallback(id=kind), keras.callbacks.ModelCheckpoint(path)]
    data = {"validation_data": (x, y)} if kind == "plain" else {}
    model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=callbacks, **data)
    optimizers = [model.optimizer, getattr(model.optimizer, "inner_optimizer", model.optimizer)]
    ours = ("_clip_gradients", "check_finite")
    loaded = keras.saving.load_model(path).optimizer
    inner = getattr(loaded, "inner_optimizer", loaded)
    return {
        "norm": float(np.linalg.norm(gradient)),
        "largest": float(np.abs(gradient).max()),
        "iterations": int(keras.ops.convert_to_numpy(inner.iterations)),
        "variables": [variable.path for variable in inner.variables],
        "left_behind": [name for optimizer in optimizers for name in ours if name in vars(optimizer)],
    }


with tempfile.TemporaryDirectory() as folder:
    print(json.dumps({kind: train(kind, folder) for kind in OPTIMIZERS}))
