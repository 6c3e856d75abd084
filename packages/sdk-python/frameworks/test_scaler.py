"""Mixed precision on a CPU: if a gradient is infinite, GradScaler halves its scale and skips the step."""

from __future__ import annotations

import pytest
import torch
from fake_server import FakeServer

import normwatch


def train(
    run: normwatch.Run, steps: int, infinite_at: frozenset[int] = frozenset(), unscale: bool = True
) -> list[float]:
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=10_000)
    scales = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = model(torch.randn(8, 4)).square().mean()
        scaler.scale(loss * (torch.inf if step in infinite_at else 1.0)).backward()
        if unscale:
            scaler.unscale_(optimizer)
        normwatch.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        run.log(loss=loss, scaler=scaler)
        scales.append(scaler.get_scale())
    return scales


def test_the_scale_and_the_skipped_steps_are_recorded(server: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    run = normwatch.init(id="s")
    scales = train(run, 30, infinite_at=frozenset({3, 4, 20}))
    run.finish()
    points = server.points("s")
    assert [point["loss_scale"] for point in points.values()] == scales
    assert [step for step, point in points.items() if point["skipped"] == 1] == [3, 4, 20]
    assert [step for step, point in points.items() if point["grad_norm"] in ("NaN", "Infinity")] == [3, 4, 20]
    assert caplog.records == []


def test_a_norm_that_was_never_unscaled_earns_a_hint(server: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    run = normwatch.init(id="s")
    train(run, 30, unscale=False)
    run.finish()
    (hint,) = [record.message for record in caplog.records]
    assert "scaler.unscale_(optimizer) before clip_grad_norm_" in hint


def test_a_scaler_that_is_switched_off_records_nothing(server: FakeServer) -> None:
    run = normwatch.init(id="s")
    run.log(loss=1.0, scaler=torch.amp.GradScaler("cpu", enabled=False))
    run.finish()
    assert server.points("s") == {0: {"loss": 1}}
