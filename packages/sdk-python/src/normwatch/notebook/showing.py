"""`normwatch.show(run)`: draws a run in a cell, once or as a live page."""

from __future__ import annotations

import html
from typing import Any
from urllib.parse import quote, urlencode

from ..address import UNIX, page_of
from ..courier import API
from ..notices import Notices
from ..run import Run
from ..settings import read_settings
from ..transport import Transport
from .drawing import draw_run

MAX_POINTS = 400
"""The most buckets of a drawn line."""
FLUSH_TIMEOUT = 5.0


class RunView:
    """A run as a notebook draws it: HTML without scripts, which is saved with the notebook."""

    def __init__(self, text: str, markup: str) -> None:
        self._text = text
        self._markup = markup

    def _repr_html_(self) -> str:
        return self._markup

    def __repr__(self) -> str:
        return self._text


def show(
    run: Run | str,
    *,
    live: bool = False,
    address: str | None = None,
    height: int = 720,
    url: str | None = None,
    token: str | None = None,
) -> RunView:
    """
    Draws a run, given as a run or as an id, in the last line of a cell: its norm, cap, loss and findings as they are
    now. With `live`, it is a frame of `height` pixels with the run's page, which updates itself. For that, the server
    must have been started with `NORMWATCH_EMBED` set to the notebook's origin. `address` is the address of the server
    for the browser, if it differs from the one for this program. Raises `RuntimeError` if the server does not send the
    run.
    """
    settings = read_settings(Notices(strict=True).wrong_use, url, token)
    run_id = run if isinstance(run, str) else run.id
    if isinstance(run, Run):
        run.flush(FLUSH_TIMEOUT)
    if live:
        if address is None and settings.url.startswith(UNIX):
            raise RuntimeError("A browser does not reach a Unix socket: address=… says how it reaches the server.")
        page = page_of((address or settings.url).rstrip("/"), quote(run_id, safe=""))
        return RunView(f"the page {page}", _frame(page, height))
    transport = Transport(settings.url, settings.token)
    try:
        about = _get(transport, f"/runs/{quote(run_id, safe='')}")
        query = urlencode([("metric", "grad_norm"), ("metric", "loss"), ("max_points", MAX_POINTS)])
        series = _get(transport, f"/runs/{quote(run_id, safe='')}/series?{query}")
        findings = _get(transport, f"/runs/{quote(run_id, safe='')}/findings")
    finally:
        transport.close()
    page = page_of((address or settings.url).rstrip("/"), quote(run_id, safe=""))
    summary = f"{about['project']} / {about['name']}: {about['points']} points, {page}"
    return RunView(summary, draw_run(about, series, findings["findings"], page))


def _get(transport: Transport, path: str) -> dict[str, Any]:
    reply = transport.request("GET", API + path)
    if reply.status != 200:
        raise RuntimeError(f"{transport.url} did not tell: {reply.status or ''} {reply.message}")
    return transport.last_body


def _frame(page: str, height: int) -> str:
    address = html.escape(page)
    return (
        f'<iframe src="{address}" title="Normwatch" width="100%" height="{int(height)}" style="border:0"></iframe>'
        f'<p><a href="{address}" target="_blank" rel="noreferrer">Open the page</a>. A frame that stays empty: start '
        "the server with <code>NORMWATCH_EMBED</code> set to the address of this notebook, as "
        "<code>http://localhost:8888</code>.</p>"
    )
