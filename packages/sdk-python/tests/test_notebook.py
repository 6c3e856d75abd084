"""A run in a cell of a notebook."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import stat
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from service import MAIN, NODE, Service

import normwatch
from normwatch.notebook.drawing import draw_run
from normwatch.transport import Transport

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}


def tags_of(markup: str) -> Tags:
    tags = Tags()
    tags.feed(markup)
    return tags


def test_show_draws_a_run_as_markup_that_runs_nothing(service: Service) -> None:
    run = normwatch.init(id="drawn", name=EVIL, project="a<b>", max_norm=1.0, url=service.url)
    for step in range(1000):
        run.log(grad_norm=math.nan if step == 300 else 3.0, loss=1 / (step + 1))
    view = normwatch.show(run, url=service.url)  # an open run is flushed first
    run.finish()
    markup = view._repr_html_()
    tags = tags_of(markup)
    assert tags.tags.count("svg") == 2
    assert not {"script", "img", "style", "link", "iframe"} & set(tags.tags)
    assert not [name for name in tags.attributes if name.startswith("on")]
    assert "max_norm 1" in markup
    assert "1 non-finite" in markup
    assert "×" in markup
    assert f"{service.url}/runs/drawn" in markup
    assert len(markup) < 60_000
    assert "1000 points" in repr(view)


def test_show_frames_the_page_of_a_run(service: Service) -> None:
    markup = normwatch.show("r 1", live=True, url=service.url)._repr_html_()
    assert f'<iframe src="{service.url}/runs/r%201"' in markup
    hub = "https://hub.example/user/me/proxy/4280/"
    framed = normwatch.show("r", live=True, url=service.url, address=hub)._repr_html_()
    assert '<iframe src="https://hub.example/user/me/proxy/4280/runs/r"' in framed
    with pytest.raises(RuntimeError, match="does not reach a Unix socket"):
        normwatch.show("r", live=True, url="unix:/run/nw.sock")


def test_show_says_what_is_wrong(service: Service) -> None:
    with pytest.raises(RuntimeError, match="404"):
        normwatch.show("unknown", url=service.url)
    with pytest.raises(RuntimeError, match="did not tell"):
        normwatch.show("r", url="http://127.0.0.1:1")


def line(**columns: Any) -> dict[str, Any]:
    count = len(columns["step"])
    values = columns["min"]
    return {"max": values, "mean": values, "nonfinite": [0] * count, **columns}


@pytest.mark.parametrize(
    "series",
    [
        {},
        {"grad_norm": line(step=[], min=[])},
        {"grad_norm": line(step=[5], min=[2.0])},
        {"grad_norm": line(step=[0, 1], min=[0.0, 0.0])},
        {"grad_norm": line(step=[0, 1], min=[None, None], nonfinite=[1, 1])},
        {"grad_norm": line(step=[0, 1], min=[1e-30, 1e30])},
        {"loss": line(step=[0, 1], min=[-5.0, 1e308])},
    ],
    ids=repr,
)
def test_every_record_can_be_drawn(series: dict[str, Any]) -> None:
    run = {
        "project": "p",
        "name": "n",
        "health": "ok",
        "status": "running",
        "points": 2,
        "nonfinite": 0,
        "clip": {"mode": "none"},
        "clipping": {"rate_total": None},
    }
    markup = draw_run(run, {"from": 0, "to": 1, "series": series}, [], "http://x/runs/r")
    assert "nan" not in markup
    assert "inf" not in re.sub(r"[a-z]*inf[a-z]+", "", markup)


LAUNCHER = f"""
import os, sys
os.execv({str(NODE)!r}, ["node", {str(MAIN)!r}, *sys.argv[1:]])
"""
"""Replaces the server of the installed package by that of this checkout."""


def test_serve_starts_a_server_that_lets_in_only_its_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spool: Path
) -> None:
    package = tmp_path / "packages" / "normwatch_server"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(LAUNCHER)
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    data = tmp_path / "data"
    monkeypatch.setenv("NORMWATCH_DATA", str(data))
    for name in ("NORMWATCH_URL", "NORMWATCH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    here = normwatch.serve("--port", "0")
    file = data / "server.json"
    server = json.loads(file.read_text())
    try:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert status_of(here.url, None) == 401
        assert status_of(here.url, server["token"]) == 200
        run = normwatch.init(id="mine")
        run.log(grad_norm=1.0)
        assert "1 points" in repr(normwatch.show(run))
        assert run.finish().sent == 1
        assert str(normwatch.serve()) == str(here)
        for words in (str(here), here._repr_html_()):
            assert "normwatch token create" in words
            assert server["token"] not in words
    finally:
        os.kill(server["pid"], signal.SIGTERM)


def status_of(url: str, token: str | None) -> int:
    transport = Transport(url, token)
    status = transport.request("GET", "/api/v1/runs").status
    transport.close()
    return status


def test_serve_needs_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="pip install"):
        normwatch.serve()
    assert not (tmp_path / "no-server").exists()
