"""Runs the code blocks of the documentation that need a framework or a current PyTorch."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from fake_server import FakeServer
from snippets import Snippet, run_snippet, snippets

TRAINING = """
import sys, torch
torch.set_num_threads(1)
model = torch.nn.Linear(8, 1)
lr = float(sys.argv[-1]) if "--lr" in sys.argv else 0.1
optimizer = torch.optim.SGD(model.parameters(), lr=lr)
for _ in range(20):
    optimizer.zero_grad()
    model(torch.randn(32, 8)).square().mean().backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
"""
[COMMANDS] = [snippet for snippet in snippets("sh") if snippet.name.startswith("docs/capture.md")]
[LINE] = [snippet for snippet in snippets("python") if snippet.name.startswith("docs/capture.md")]


@pytest.mark.parametrize("snippet", snippets("python frameworks", "python torchrun"), ids=lambda snippet: snippet.name)
def test_a_recipe_runs_and_records_one_run(snippet: Snippet, server: FakeServer, tmp_path: Path) -> None:
    run_snippet(snippet, server.url, tmp_path)
    ((run_id, run),) = server.runs.items()
    points = server.points(run_id)
    assert len(points) >= 16
    assert all({"grad_norm", "loss"} <= set(point) for point in points.values())
    assert run["fields"]["clip"] == {"mode": "norm", "max_norm": 1.0}
    assert run["status"] == "finished"


def test_each_command_of_the_page_on_capture_records_one_run(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "train.py").write_text(TRAINING)
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    run_snippet(COMMANDS._replace(code=COMMANDS.code.replace("node 8", "node 2")), server.url, tmp_path)
    first, second = server.runs.values()
    assert second["fields"]["project"] == "sft"
    for run, lr in ((first, 3e-4), (second, 0.1)):
        assert (run["status"], len(run["points"])) == ("finished", 20)
        assert all(point["lr"] == lr and {"grad_norm", "loss"} <= set(point) for point in run["points"].values())


def test_the_line_of_the_page_on_capture_records_the_training_after_it(server: FakeServer, tmp_path: Path) -> None:
    run_snippet(LINE._replace(code=LINE.code + TRAINING), server.url, tmp_path)
    [run] = server.runs.values()
    assert (run["fields"]["project"], run["status"], len(run["points"])) == ("toy-rnn", "finished", 20)
