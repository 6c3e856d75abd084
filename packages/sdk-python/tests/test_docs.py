"""Every block of the documentation runs as it stands (those that need a framework: `frameworks/test_docs.py`)."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from recorder import Recorder
from service import Service
from snippets import ROOT, Snippet, run_snippet, snippets

import normwatch


@pytest.mark.parametrize("snippet", snippets("python"), ids=lambda snippet: snippet.name)
def test_a_block_of_python_runs_and_records_what_it_logs(snippet: Snippet, recorder: Recorder, tmp_path: Path) -> None:
    run_snippet(snippet, recorder.url, tmp_path)
    logs = "run.log(" in snippet.code and "strict=True" not in snippet.code
    assert [len(run["points"]) > 0 for run in recorder.runs.values()] == (
        [True] if logs else [False] * len(recorder.runs)
    )
    assert all(run["status"] in ("finished", "failed") for run in recorder.runs.values())


@pytest.mark.parametrize("snippet", [s for s in snippets("ts", "sh") if "recipes" in s.name], ids=lambda s: s.name)
def test_a_recipe_in_another_language_runs(snippet: Snippet, service: Service, tmp_path: Path) -> None:
    def runs() -> set[str]:
        return {run["id"] for run in service.get("/runs?project=recipes")["runs"]}

    before = runs()
    run_snippet(snippet, service.url, tmp_path)
    (new,) = runs() - before
    run = service.get(f"/runs/{new}")
    assert (run["status"], run["points"] > 1) == ("finished", True)


def test_the_page_names_every_argument_of_init_and_every_public_name() -> None:
    page = (ROOT / "docs/sdk-python.md").read_text()
    for argument in inspect.signature(normwatch.init).parameters:
        assert f"`{argument}`" in page
    for name in set(normwatch.__all__) - {"FinishReport", "SyncReport", "Run", "current_run"}:
        assert f"normwatch.{name}" in page


def test_the_page_has_the_headings_of_the_other_sdk() -> None:
    ours, theirs = (
        [line for line in (ROOT / f"docs/sdk-{name}.md").read_text().splitlines() if line.startswith("## ")]
        for name in ("python", "typescript")
    )
    only_here, only_there = {"## Frameworks"}, {"## TensorFlow.js", "## In a browser"}
    assert [line for line in ours if line not in only_here] == [line for line in theirs if line not in only_there]
