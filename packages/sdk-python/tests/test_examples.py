"""The examples with several networks really train, and each network is a part of the run on a real server."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from service import ROOT, Service

sys.path.insert(0, str(ROOT / "examples"))


@pytest.fixture
def on_service(service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Service:
    monkeypatch.setenv("NORMWATCH_URL", service.url)
    monkeypatch.setenv("NORMWATCH_SPOOL", str(tmp_path / "spool"))
    return service


def test_the_gan_learns_the_ring_and_both_networks_have_their_norms(on_service: Service) -> None:
    import gan

    run, distance = gan.train()
    assert distance < 0.6, "noise would be about 2 away"
    points = list(on_service.points(run.id))
    assert len(points) == gan.STEPS
    expected = {f"{name}/{part}" for name in ("grad_norm", "loss", "lr") for part in gan.CAPS}
    assert all(expected <= set(point) for point in points)
    assert not any("grad_norm" in point for point in points)


def test_the_actor_learns_to_walk_and_critic_and_actor_count_their_own_steps(on_service: Service) -> None:
    import actor_critic

    run, earned = actor_critic.train()
    assert earned[0] < 1
    assert sum(earned[-10:]) / 10 > 6
    points = list(on_service.points(run.id))
    counts = {part: sum(f"grad_norm/{part}" in point for point in points) for part in ("actor", "critic")}
    updates = actor_critic.UPDATES
    assert counts == {"actor": 2 * updates, "critic": actor_critic.CRITIC_STEPS * updates}
    assert sum("return" in point for point in points) == updates
