"""Every code block of the documentation runs unchanged. `frameworks/test_docs.py` has those that need a framework."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_server import FakeServer
from service import Service
from snippets import PAGES, ROOT, Snippet, run_snippet, snippets

import normwatch

EVERY = snippets("python", "python frameworks", "python torchrun", "ts", "sh")
CAPTURE = [snippet for snippet in EVERY if snippet.name.startswith("docs/capture.md")]
WHOLE = [
    snippet
    for snippet in EVERY
    if snippet.kind == "python" and snippet not in CAPTURE and not snippet.name.startswith("README.md")
]
FOREIGN = [snippet for snippet in EVERY if snippet.kind in ("ts", "sh") and "recipes" in snippet.name]
EXCERPTS = [snippet for snippet in EVERY if snippet.name == "README.md: The first point"]
INSTALLATION = [snippet for snippet in EVERY if snippet.name == "docs/sdk-python.md: The Python SDK"]
SET_UP = {
    "python": """
import torch
model = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
loss = model(torch.randn(32, 8)).square().mean()
loss.backward()
""",
    "ts": "",
    "sh": "",
}
"""Definitions that an excerpt of a training loop leaves out."""


def test_no_block_of_these_pages_goes_untried() -> None:
    """The first commands of the README need a new checkout. `.ci/run` and `test/deploy` run them."""
    tried = [*WHOLE, *FOREIGN, *EXCERPTS, *INSTALLATION]
    elsewhere = [snippet for snippet in EVERY if snippet.kind in ("python frameworks", "python torchrun")] + CAPTURE
    assert {s.name for s in EVERY if s not in [*tried, *elsewhere]} == {"README.md: Start"}
    fences = re.findall(r"^```(\S.*)$", "".join((ROOT / page).read_text() for page in PAGES), re.MULTILINE)
    assert len(fences) == len(EVERY)


@pytest.mark.parametrize("snippet", EXCERPTS, ids=lambda snippet: snippet.kind)
def test_the_first_point_of_the_front_page_arrives(snippet: Snippet, service: Service, tmp_path: Path) -> None:
    code = SET_UP[snippet.kind] + snippet.code.replace("http://127.0.0.1:4280", service.url)
    run = run_made_by(snippet._replace(code=code), service, tmp_path)
    assert {"grad_norm", "loss"} <= set(run["latest"])
    assert run["points"] == 1


@pytest.mark.parametrize("snippet", INSTALLATION, ids=lambda snippet: snippet.name)
def test_the_installation_installs(snippet: Snippet, service: Service, tmp_path: Path) -> None:
    # separate from the package that the other tests have installed
    settings = {"PIP_NO_INDEX": "1", "PIP_TARGET": str(tmp_path / "here")}
    tools = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    code = snippet.code.replace("http://127.0.0.1:4280", service.url)
    subprocess.run(["bash", "-eu", "-c", code], cwd=ROOT, env={**os.environ, **settings, **tools}, check=True)
    assert (tmp_path / "here" / "normwatch" / "py.typed").exists()


@pytest.mark.parametrize("snippet", WHOLE, ids=lambda snippet: snippet.name)
def test_a_block_of_python_runs_and_records_what_it_logs(snippet: Snippet, server: FakeServer, tmp_path: Path) -> None:
    run_snippet(snippet, server.url, tmp_path)
    logs = "run.log(" in snippet.code and "strict=True" not in snippet.code
    assert [len(run["points"]) > 0 for run in server.runs.values()] == ([True] if logs else [False] * len(server.runs))
    assert all(run["status"] in ("finished", "failed") for run in server.runs.values())


@pytest.mark.parametrize("snippet", FOREIGN, ids=lambda snippet: snippet.name)
def test_a_recipe_in_another_language_runs(snippet: Snippet, service: Service, tmp_path: Path) -> None:
    run = run_made_by(snippet, service, tmp_path)
    assert (run["project"], run["status"], run["points"] > 1) == ("recipes", "finished", True)


def run_made_by(snippet: Snippet, service: Service, folder: Path) -> dict[str, Any]:
    def runs() -> set[str]:
        return {run["id"] for run in service.get("/runs?limit=200")["runs"]}

    before = runs()
    run_snippet(snippet, service.url, folder)
    (new,) = runs() - before
    return dict(service.get(f"/runs/{new}"))


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
