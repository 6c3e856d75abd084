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
    A transformation that leaves the updates unchanged and stores their global norm. Put it before the clipping:
    `optax.chain(record_norm(), optax.clip_by_global_norm(1.0), optax.adam(1e-3))`. Then log `recorded_norm(opt_state)`.
    It is pure, so it works under `jit`, `pmap` and `scan`. The norm is summed in at least float32, also for bfloat16
    gradients. Inside `optax.MultiSteps`, it stores the norm of the last update: log when `mini_step` is 0 again.
    """

    def start(params: Any) -> NormState:
        return NormState(jnp.zeros(()))

    def update(updates: Any, state: NormState, params: Any = None, **_: Any) -> tuple[Any, NormState]:
        return updates, NormState(_norm(updates))

    return optax.GradientTransformationExtraArgs(start, update)


def recorded_norm(opt_state: Any) -> Any:
    """
    The norm that `record_norm` stored, at any depth of the state, for `run.log(grad_norm=…)`. An array of one number
    that may still be being computed. It is a copy, so the state can be donated to the next step. If `pmap` has
    replicated the state, the first device's norm. NaN for a step that a surrounding `optax.apply_if_finite` has
    dropped. Raises ValueError if the state holds no norm.
    """
    found = _find(opt_state)
    if found is None:
        raise ValueError("the optimiser state holds no norm: add normwatch.optax.record_norm() to the chain")
    norm = found.grad_norm
    if getattr(norm, "ndim", 0) > 0:
        norm = norm.reshape(-1)[0]
    return jnp.array(norm, copy=True)


def _norm(updates: Any) -> Any:
    leaves = jax.tree_util.tree_leaves(updates)
    return jnp.sqrt(sum((jnp.sum(jnp.square(jnp.abs(_widened(leaf)))) for leaf in leaves), jnp.zeros(())))


def _widened(leaf: Any) -> Any:
    """Converts half precision to float32, because a sum of squares overflows or loses digits in half precision."""
    return leaf.astype(jnp.float32) if leaf.dtype in (jnp.bfloat16, jnp.float16) else leaf


def _find(state: Any) -> NormState | None:
    if isinstance(state, NormState):
        return state
    inner = state.values() if isinstance(state, dict) else state if isinstance(state, (tuple, list)) else ()
    found = next((found for found in map(_find, inner) if found is not None), None)
    if found is not None and hasattr(state, "last_finite"):  # apply_if_finite keeps the old state for a dropped step
        return NormState(jnp.where(state.last_finite, found.grad_norm, jnp.nan))
    return found
