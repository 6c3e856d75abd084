from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import normwatch
from normwatch.ranks import LOCAL_RANK, NODE_RANKS, RANKS
from normwatch.run import Run

sys.path.insert(0, str(Path(__file__).parent))

from fake_server import FakeServer
from service import Service


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides the machine's settings, and the spools of other tests, from each test."""
    for name in ("URL", "TOKEN", "PROJECT", "RUN_ID", "MODE", "RANK"):
        monkeypatch.delenv(f"NORMWATCH_{name}", raising=False)
    for name in (*(name for names in RANKS for name in names if name), LOCAL_RANK, *NODE_RANKS, "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NORMWATCH_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setenv("NORMWATCH_DATA", str(tmp_path / "no-server"))
    monkeypatch.setattr("normwatch.settings.other_user_on", lambda url: None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # files left by a test's processes are removed with its folder


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    server = FakeServer()
    yield server
    server.stop()


@pytest.fixture
def start(server: FakeServer) -> Iterator[Any]:
    """`init` with the server's address. Finishes runs that a test leaves open."""
    runs: list[Run] = []

    def start(**arguments: Any) -> Run:
        run = normwatch.init(**{"url": server.url, **arguments})
        runs.append(run)
        return run

    yield start
    server.misbehave = lambda request: None
    for run in runs:
        run.finish(timeout=2)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A real Normwatch server, shared by all tests."""
    service = Service(tmp_path_factory.mktemp("service"))
    yield service
    service.stop()
