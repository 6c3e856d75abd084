"""Two epochs of a linear model in Keras, on the backend of the environment; prints the first gradient's true norm."""

from __future__ import annotations

import keras
import numpy as np

from normwatch.keras import NormwatchCallback

keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
y = x.sum(axis=1, keepdims=True) * 3
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, kernel_initializer="ones")])
model.compile(keras.optimizers.SGD(0.01, global_clipnorm=0.01), loss="mse")
error = x[:8] @ np.ones((4, 1)) - y[:8]
gradient = np.append(2 * (x[:8].T @ error).ravel() / 8, 2 * error.mean())
model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=[NormwatchCallback(id="k")])
print(np.linalg.norm(gradient))
