"""Runs the code blocks of the documentation that need a framework or a current PyTorch."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_server import FakeServer
from snippets import Snippet, run_snippet, snippets


@pytest.mark.parametrize("snippet", snippets("python frameworks", "python torchrun"), ids=lambda snippet: snippet.name)
def test_a_recipe_runs_and_records_one_run(snippet: Snippet, server: FakeServer, tmp_path: Path) -> None:
    run_snippet(snippet, server.url, tmp_path)
    ((run_id, run),) = server.runs.items()
    points = server.points(run_id)
    assert len(points) >= 16
    assert all({"grad_norm", "loss"} <= set(point) for point in points.values())
    assert run["fields"]["clip"] == {"mode": "norm", "max_norm": 1.0}
    assert run["status"] == "finished"
