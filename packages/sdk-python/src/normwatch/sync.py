"""Sends what an earlier process left in its spool file."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from .courier import Courier, Item, Later, Refused
from .notices import Notices
from .retry import Reply
from .settings import Settings
from .spool import REFUSED_SUFFIX, keep_refused, left_behind, read_head, read_lines
from .transport import Transport

TRIES = 5
"""Tries of one request before `sync` gives up on the server."""


def replay(
    path: Path,
    transport: Transport,
    notices: Notices,
    chance: Callable[[float, float], float] = random.uniform,
) -> Iterator[Later | int]:
    """
    Sends a spool file line by line. Each step of the iteration is one try: the points it delivered, or `Later`, and
    the next step tries that line again. When it ends, all lines are dealt with and the file is gone.
    """
    head = read_head(path)
    if head is None:
        return
    courier = Courier(transport, head["run"], head.get("fields") or {}, chance)
    for line in read_lines(path):
        attempt = 1
        try:
            item = _read_item(line)
        except (ValueError, KeyError, TypeError):
            notices.warn(f"unreadable {path}", f"{path}: a line is not what a spool holds; it is left out")
            continue
        while isinstance(outcome := courier.deliver(item, attempt), Later):
            attempt += 1
            yield outcome
        if isinstance(outcome, Refused):
            for part, reply in outcome.parts:
                _keep(path, head, part, reply, notices)
        yield item.points if outcome is None else 0
    path.unlink(missing_ok=True)


def _read_item(line: bytes) -> Item:
    content = json.loads(line)
    content.pop("refused", None)
    if "columns" in content:
        text = json.dumps({"columns": content["columns"]}, separators=(",", ":")).encode()
        return Item(text, len(content["columns"]["step"]))
    return Item(json.dumps({"patch": dict(content["patch"])}).encode(), 0)


def _keep(path: Path, head: dict[str, object], item: Item, reply: Reply, notices: Notices) -> None:
    words = {"status": reply.status, "code": reply.code, "message": reply.message}
    home = path.with_name(path.name.replace(REFUSED_SUFFIX, ".again.ndjson"))
    kept = keep_refused(home, json.dumps(head).encode() + b"\n", item.line, words)
    notices.warn(f"refused {reply.code}", f"the server refused readings ({reply.status} {reply.message}): {kept}")


@dataclass
class SyncReport:
    """What a sync did."""

    files: int = 0
    points: int = 0
    left: int = 0
    """Files that could not be sent whole: the server did not take them."""


def sync(
    settings: Settings,
    notices: Notices,
    *,
    url: str | None = None,
    all_files: bool = False,
    refused: bool = False,
    wait: Callable[[float], None] = time.sleep,
) -> SyncReport:
    """
    Sends every spool file whose writer is gone (`all_files`: every one) to the server named in it, or to `url`.
    `refused` sends what the server refused earlier, for when the reason has been put right.
    """
    report = SyncReport()
    paths = left_behind(settings.spool_dir, even_if_alive=all_files)
    for path in sorted(settings.spool_dir.glob(f"*{REFUSED_SUFFIX}")) if refused else list(paths):
        head = read_head(path)
        if head is None:
            continue
        transport = Transport(url or str(head.get("url") or settings.url), settings.token)
        report.files += 1
        failures = 0
        for outcome in replay(path, transport, notices):
            if isinstance(outcome, int):
                report.points += outcome
                failures = 0
                continue
            failures += 1
            if failures == TRIES:
                notices.warn(f"away {transport.url}", f"{transport.url} does not take readings: {outcome.reason}")
                report.left += 1
                break
            wait(outcome.delay)
        transport.close()
    return report
