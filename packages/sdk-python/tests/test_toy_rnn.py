"""The toy RNN: without clipping the norm spikes; with clipping the training learns and its loss is smoother."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from service import ROOT, Service

import normwatch

sys.path.insert(0, str(ROOT / "examples"))


@pytest.fixture(scope="module")
def trained(service: Service, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], list[Any]]:
    """The three runs as the server compares them, and their norms."""
    import toy_rnn

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NORMWATCH_URL", service.url)
        patch.setenv("NORMWATCH_SPOOL", str(tmp_path_factory.mktemp("spool")))
        runs: list[normwatch.Run] = [toy_rnn.train(exercise) for exercise in toy_rnn.EXERCISES]
    compared = service.get("/compare?" + "&".join(f"run={run.id}" for run in runs))["runs"]
    return compared, [[point["grad_norm"] for point in service.points(run.id)] for run in runs]


def test_every_batch_is_there(trained: tuple[list[Any], list[Any]]) -> None:
    assert [run["points"] for run in trained[0]] == [300, 300, 300]
    assert [run["nonfinite"] for run in trained[0]] == [0, 0, 0]


def test_the_norm_spikes_without_clipping(trained: tuple[list[Any], list[Any]]) -> None:
    unclipped = trained[1][0]
    assert max(unclipped) > 10 * sorted(unclipped)[150]


def test_clipping_by_norm_makes_the_loss_at_least_three_times_smoother(trained: tuple[list[Any], list[Any]]) -> None:
    without, by_norm, by_value = (run["loss_roughness"] for run in trained[0])
    assert without / by_norm > 3
    assert without / by_value > 3


def test_it_learns(trained: tuple[list[Any], list[Any]]) -> None:
    """Always answering 1 gives an error of 1/6. The clipped trainings start at three times that."""
    _, by_norm, by_value = (run["final_loss"] for run in trained[0])
    assert max(by_norm, by_value) < 0.2


def test_the_norm_recorded_is_the_one_before_clipping(trained: tuple[list[Any], list[Any]]) -> None:
    assert max(trained[1][1]) > 1.5
    assert 0 < trained[0][1]["clip_rate"] < 1
