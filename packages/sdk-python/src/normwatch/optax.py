"""optax: a gradient transformation that records the global norm of the updates."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax


class NormState(NamedTuple):
    """The state of `record_norm`: the norm of the last update."""

    grad_norm: Any


def record_norm() -> Any:
    """
    Changes nothing and keeps the global norm. Put before the clipping:
    `optax.chain(record_norm(), optax.clip_by_global_norm(1.0), optax.adam(1e-3))`; then log `recorded_norm(opt_state)`.
    It is pure, so it works under `jit`, `pmap` and `scan`.
    """

    def start(params: Any) -> NormState:
        return NormState(jnp.zeros(()))

    def update(updates: Any, state: NormState, params: Any = None, **_: Any) -> tuple[Any, NormState]:
        return updates, NormState(_norm(updates))

    return optax.GradientTransformationExtraArgs(start, update)


def recorded_norm(opt_state: Any) -> Any:
    """
    The norm that `record_norm` kept, wherever it is in the state: an array that may still be computed, for
    `run.log(grad_norm=…)`. It is a copy, so the state may be donated to the next step. Raises ValueError without one.
    """
    found = _find(opt_state)
    if found is None:
        raise ValueError("the optimiser state holds no norm: add normwatch.optax.record_norm() to the chain")
    return jnp.array(found.grad_norm, copy=True)


def _norm(updates: Any) -> Any:
    return jnp.sqrt(sum(jnp.sum(jnp.square(jnp.abs(leaf))) for leaf in jax.tree_util.tree_leaves(updates)))


def _find(state: Any) -> NormState | None:
    if isinstance(state, NormState):
        return state
    inner = state.values() if isinstance(state, dict) else state if isinstance(state, (tuple, list)) else ()
    return next((found for found in map(_find, inner) if found is not None), None)
