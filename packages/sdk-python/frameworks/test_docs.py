"""The blocks of the documentation that need a framework, or a current PyTorch."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorder import Recorder
from snippets import Snippet, run_snippet, snippets


@pytest.mark.parametrize("snippet", snippets("python frameworks", "python torchrun"), ids=lambda snippet: snippet.name)
def test_a_recipe_runs_and_records_one_run(snippet: Snippet, recorder: Recorder, tmp_path: Path) -> None:
    run_snippet(snippet, recorder.url, tmp_path)
    ((run_id, run),) = recorder.runs.items()
    points = recorder.points(run_id)
    assert len(points) >= 16
    assert all({"grad_norm", "loss"} <= set(point) for point in points.values())
    assert run["fields"]["clip"] == {"mode": "norm", "max_norm": 1.0}
    assert run["status"] == "finished"
