"""Sends what an earlier process left in its spool file."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, NamedTuple

from .courier import CHANCE, Courier, Later, Refused
from .notices import Notices
from .outbox_item import OutboxItem, events_item, patch_item
from .retry import Reply
from .settings import read_settings
from .spool import (
    REFUSED_SUFFIX,
    abandoned_files,
    claim,
    keep_refused,
    read_head,
    read_lines_from,
    spool_files,
    writer_lives,
)
from .transport import Transport

TRIES = 5
"""How often `sync` tries one request before it gives up on the server."""


class Delivered(NamedTuple):
    """The outcome of one line of a spool file, in points."""

    sent: int
    refused: int
    end: int
    """The byte offset of the line's end in its file."""


def replay(
    path: Path,
    transport: Transport,
    notices: Notices,
    chance: Callable[[float, float], float] = CHANCE,
    *,
    start: int = 0,
    keep: bool = False,
) -> Iterator[Later | Delivered]:
    """
    Sends a spool file line by line, from byte `start` on. Each iteration is one try. It yields what was delivered, or
    `Later`, and then the next iteration tries the same line again. At the end, all lines are sent or refused, and the
    file is deleted. With `keep` it stays, because it belongs to a running writer.
    """
    head = read_head(path)
    if head is None:
        return
    courier = Courier(transport, head["run"], head.get("fields") or {}, chance)
    for line, end in read_lines_from(path, start):
        attempt = 1
        try:
            item = _read_item(line)
        except (ValueError, KeyError, TypeError):
            notices.warn(f"unreadable {path}", f"{path}: a line cannot be read and is skipped")
            continue
        while isinstance(outcome := courier.deliver(item, attempt), Later):
            attempt += 1
            yield outcome
        refused, not_stored = (outcome.parts, outcome.points) if isinstance(outcome, Refused) else ([], 0)
        for part, reply in refused:
            if part.is_events:  # an older server does not know events
                continue
            _keep(path, head, part, reply, notices)
        yield Delivered(item.points - not_stored, sum(part.points for part, _ in refused), end)
    if not keep:
        path.unlink(missing_ok=True)


def _read_item(line: bytes) -> OutboxItem:
    content = json.loads(line)
    content.pop("refused", None)
    if "events" in content:
        return events_item(content["events"])
    if "columns" in content:
        text = json.dumps({"columns": content["columns"]}, separators=(",", ":")).encode()
        return OutboxItem(text, len(content["columns"]["step"]))
    return patch_item(dict(content["patch"]))


def _keep(path: Path, head: dict[str, object], item: OutboxItem, reply: Reply, notices: Notices) -> None:
    words = {"status": reply.status, "code": reply.code, "message": reply.message}
    home = path.with_name(path.name.replace(REFUSED_SUFFIX, ".again.ndjson"))
    kept = keep_refused(home, json.dumps(head).encode() + b"\n", item.line, words)
    notices.warn(f"refused {reply.code}", f"the server refused readings ({reply.status} {reply.message}): {kept}")


@dataclass
class SyncReport:
    """The result of a sync, in points."""

    sent: int = 0
    refused: int = 0
    """Refused by the server, in whole or in part, and kept in refused files."""
    files_left: list[Path] = field(default_factory=list)
    """Files that still hold unsent readings, because the server was unreachable or their writer is still running."""


def sync(
    url: str | None = None,
    token: str | None = None,
    spool_dir: str | os.PathLike[str] | None = None,
    *,
    all_files: bool = False,
    refused: bool = False,
) -> SyncReport:
    """
    Sends what earlier trainings could not send: every spool file whose writer has ended. `all_files` also sends the
    files of running writers, which stay. Readings go to `url`, else to `NORMWATCH_URL`, else to the address that each
    file names. If that is only the default address, they go to this user's server, if it runs. `refused` sends again
    what the server refused earlier: use it after fixing the reason.
    """
    notices = Notices()
    settings = read_settings(notices.wrong_use, url, token, spool_dir=spool_dir)
    report = SyncReport()
    if refused:
        paths = sorted(path for folder in settings.spool_dirs for path in folder.glob(f"*{REFUSED_SUFFIX}"))
    else:
        paths = [path for folder in settings.spool_dirs for path in abandoned_files(folder, even_if_alive=all_files)]
        every = {path for folder in settings.spool_dirs for path in spool_files(folder)}
        report.files_left = sorted(every - set(paths))
    for path in paths:
        head = read_head(path)
        if head is not None:
            target, shown = settings.target(str(head.get("url")))
            if not target:
                notices.warn("no server", f"no server is known for {path}: name one in NORMWATCH_URL")
                report.files_left.append(path)
                continue
            transport = Transport(target, shown)
            try:
                # the file of a running writer is not claimed: it keeps its name and stays
                is_live = not refused and writer_lives(path, head)
                path = path if is_live else claim(path)  # noqa: PLW2901
                _send_file(path, transport, notices, report, is_live)
            except FileNotFoundError:
                pass  # another process has claimed it
            except OSError as error:
                notices.warn(f"unreadable {path}", f"{path} cannot be sent: {error}")
                report.files_left.append(path)
            transport.close()
    return report


def _send_file(path: Path, transport: Transport, notices: Notices, report: SyncReport, is_live: bool) -> None:
    failures = 0
    for outcome in replay(path, transport, notices, keep=is_live):
        if isinstance(outcome, Delivered):
            report.sent += outcome.sent
            report.refused += outcome.refused
            failures = 0
            continue
        failures += 1
        if failures == TRIES:
            notices.warn(f"away {transport.url}", f"{transport.url} does not accept readings: {outcome.reason}")
            report.files_left.append(path)
            return
        time.sleep(outcome.delay)
    if is_live:
        report.files_left.append(path)
