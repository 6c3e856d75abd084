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


def test_bfloat16_gradients_are_summed_in_float32() -> None:
    optimizer = record_norm()
    gradients = {"w": jnp.ones((1000,), jnp.bfloat16)}
    _, state = optimizer.update(gradients, optimizer.init(gradients))
    assert float(recorded_norm(state)) == pytest.approx(1000**0.5)


def test_a_step_that_is_dropped_because_it_is_not_finite_is_on_record() -> None:
    optimizer = optax.apply_if_finite(optax.chain(record_norm(), optax.sgd(0.1)), 3)
    parameters = jnp.ones(4)
    state = optimizer.init(parameters)
    norms = []
    for scale in (1.0, jnp.nan, 2.0):
        _, state = optimizer.update(parameters * scale, state)
        norms.append(float(recorded_norm(state)))
    assert norms == [2.0, pytest.approx(jnp.nan, nan_ok=True), 4.0]


def test_the_norm_of_a_replicated_state_is_one_number() -> None:
    optimizer = record_norm()
    gradients = jnp.ones((jax.local_device_count(), 4))
    state = jax.pmap(optimizer.init)(gradients)
    _, state = jax.pmap(optimizer.update)(gradients, state)
    assert recorded_norm(state).shape == ()
    assert float(recorded_norm(state)) == 2
