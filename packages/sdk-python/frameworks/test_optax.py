from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import optax
import pytest
from fake_server import FakeServer

import normwatch
from normwatch.optax import record_norm, recorded_norm


def test_the_norm_before_clipping_is_recorded_from_a_compiled_step_with_donated_state(server: FakeServer) -> None:
    optimizer = optax.chain(record_norm(), optax.clip_by_global_norm(0.1), optax.adam(1e-2))
    parameters = {"w": jnp.ones((4,)), "b": jnp.zeros(())}
    state = optimizer.init(parameters)
    batches = jax.random.normal(jax.random.PRNGKey(0), (20, 16, 4))

    def loss_of(parameters: dict[str, jax.Array], batch: jax.Array) -> jax.Array:
        return jnp.mean((batch @ parameters["w"] + parameters["b"] - 3) ** 2)

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(parameters, state, batch):
        loss, gradients = jax.value_and_grad(loss_of)(parameters, batch)
        updates, state = optimizer.update(gradients, state)
        return optax.apply_updates(parameters, updates), state, loss, optax.tree.norm(gradients)

    run = normwatch.init(id="o", max_norm=0.1)
    norms, losses = [], []
    for batch in batches:
        parameters, state, loss, norm = step(parameters, state, batch)
        run.log(grad_norm=recorded_norm(state), loss=loss)
        norms.append(norm.item())
        losses.append(loss.item())
    assert run.finish().sent == 20
    points = server.points("o").values()
    assert [point["grad_norm"] for point in points] == pytest.approx(norms)
    assert [point["loss"] for point in points] == pytest.approx(losses)


def test_a_chain_without_the_recorder_is_told_so() -> None:
    with pytest.raises(ValueError, match="record_norm"):
        recorded_norm(optax.adam(1e-3).init(jnp.zeros(3)))
