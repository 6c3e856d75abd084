"""`init`: arguments and environment → an open run."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from . import lifecycle
from .batcher import Batcher
from .courier import API
from .current import make_current
from .notices import Notices
from .run import Run
from .sender import Sender
from .settings import MAX_STEP, Settings, WrongUse, logs_on_this_rank, new_run_id, read_settings
from .transport import Transport


def init(
    project: str | None = None,
    name: str | None = None,
    *,
    max_norm: float | None = None,
    clip_value: float | None = None,
    id: str | None = None,
    resume: bool = False,
    from_step: int | None = None,
    config: Mapping[str, Any] | None = None,
    tags: Sequence[str] | None = None,
    notes: str = "",
    optimizer: Any = None,
    url: str | None = None,
    token: str | None = None,
    mode: str | None = None,
    spool_dir: str | os.PathLike[str] | None = None,
    strict: bool = False,
    log_layers: bool = False,
) -> Run:
    """
    Starts a run and returns at once: the server is told in the background (a run that is resumed without `from_step`
    asks it for the last step first, for at most some seconds).

    `max_norm` or `clip_value` says how the training clips; without either, the first clip call does. `optimizer`
    (torch) names itself and gives `lr` to every step. `resume=True` continues the run `id` after its last step, or from
    `from_step`, dropping what the server has from there on. `url`, `token`, `mode` (online, offline, disabled) and
    `spool_dir` come from the environment where not given. `strict=True` raises `WrongUse` where this only warns.
    """
    notices = Notices(strict)
    settings = _settings(notices, url, token, mode, spool_dir)
    run_id = _run_id(notices, id or os.environ.get("NORMWATCH_RUN_ID"))
    fields = _fields(notices, project or os.environ.get("NORMWATCH_PROJECT"), name, config, tags, notes, optimizer)
    clip = _clip(notices, max_norm, clip_value)
    if clip is not None:
        fields["clip"] = clip
    if from_step is not None and not (type(from_step) is int and 0 <= from_step <= MAX_STEP):
        notices.wrong_use("from_step", f"must be a whole number from 0 to 2^53 - 1, not {from_step!r}")
        from_step = None
    patch: dict[str, Any] | None = None
    if resume and settings.mode != "disabled":
        patch = {**fields, "status": "running"}
        if from_step is not None:
            patch["truncate_after"] = from_step - 1
        else:
            run_id, from_step = _last_step(settings, notices, run_id)
    batcher = Batcher(from_step or 0)
    sender = None if settings.mode == "disabled" else Sender(settings, run_id, fields, batcher, notices, patch)
    run = Run(
        run_id,
        f"{settings.url}/runs/{run_id}",
        notices,
        batcher,
        sender,
        clip=clip,
        optimizer=optimizer if hasattr(optimizer, "param_groups") else None,
        log_layers=log_layers,
    )
    make_current(run)
    if sender is not None:
        lifecycle.watch(run)
        where = run.url if settings.mode == "online" else f"offline, in {settings.spool_dir}"
        print(f"normwatch: {fields.get('project', 'default')} / {name or run_id} → {where}", file=sys.stderr)
    return run


def _settings(notices: Notices, url: Any, token: Any, mode: Any, spool_dir: Any) -> Settings:
    if not logs_on_this_rank():
        mode = "disabled"
    try:
        return read_settings(url, token, mode, spool_dir)
    except WrongUse as error:
        if notices.strict:
            raise
        notices.warn("settings", f"{error}: readings are kept offline")
        kept = read_settings("http://127.0.0.1", token, "offline", spool_dir)
        return dataclasses.replace(kept, mode="disabled") if mode == "disabled" else kept


def _run_id(notices: Notices, id: str | None) -> str:
    if id is None or re.fullmatch(r"[A-Za-z0-9._-]{1,64}", str(id)):
        return str(id) if id is not None else new_run_id()
    notices.wrong_use("id", f"must be 1 to 64 of A-Z a-z 0-9 . _ -, not {id!r}")
    return new_run_id()


def _clip(notices: Notices, max_norm: Any, clip_value: Any) -> dict[str, Any] | None:
    if max_norm is not None and clip_value is not None:
        notices.wrong_use("clip_value", "cannot be given together with max_norm: a run clips by norm or by value")
    for argument, cap, mode in (("max_norm", max_norm, "norm"), ("clip_value", clip_value, "value")):
        if cap is None:
            continue
        if isinstance(cap, (int, float)) and not isinstance(cap, bool) and cap > 0:
            if cap == math.inf:
                return {"mode": "none"}
            return {"mode": mode, argument: float(cap)}
        notices.wrong_use(argument, f"must be a positive number, not {cap!r}")
    return None


def _fields(
    notices: Notices,
    project: str | None,
    name: str | None,
    config: Mapping[str, Any] | None,
    tags: Sequence[str] | None,
    notes: str,
    optimizer: Any,
) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if project is not None:
        fields["project"] = str(project)
    if name is not None:
        fields["name"] = str(name)
    if optimizer is not None:
        fields["optimizer"] = optimizer if isinstance(optimizer, str) else type(optimizer).__name__.lower()
    if config is not None:
        if isinstance(config, Mapping):
            fields["config"] = {str(key): _json_safe(value) for key, value in config.items()}
        else:
            notices.wrong_use("config", f"must be a mapping, not {type(config).__name__}")
    if tags:
        fields["tags"] = list(dict.fromkeys(str(tag) for tag in ([tags] if isinstance(tags, str) else tags)))
    if notes:
        fields["notes"] = str(notes)
    return fields


def _json_safe(value: Any) -> Any:
    """The value as JSON can carry it; what it cannot carry becomes text."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        return str(value)


def _last_step(settings: Settings, notices: Notices, run_id: str) -> tuple[str, int]:
    """The id and first step of a run that continues. Where the server cannot say, a new run: nothing is overwritten."""
    if settings.mode == "online":
        transport = Transport(settings.url, settings.token)
        reply = transport.request("GET", f"{API}/runs/{run_id}")
        last = transport.last_body.get("last_step")
        transport.close()
        if reply.status == 404:
            return run_id, 0
        if reply.status == 200 and (last is None or isinstance(last, int)):
            return run_id, 0 if last is None else last + 1
    new_id = f"{run_id[:50]}-{new_run_id()[-6:]}"
    notices.warn(
        "resume",
        f"the last step of run {run_id} is not known (no answer from {settings.url}): this training goes on as run "
        f"{new_id}; from_step=… would continue it without asking",
    )
    return new_id, 0
