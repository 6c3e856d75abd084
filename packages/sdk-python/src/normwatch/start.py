"""`init`, which creates an open run from its arguments and the environment."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any

from . import lifecycle
from .address import page_of
from .batcher import Batcher
from .courier import API
from .current import current_run, make_current
from .fields import run_fields, take
from .names import Names
from .notices import Notices, say
from .ranks import logs_on_this_rank
from .run import FINISH_TIMEOUT, FinishReport, Run
from .sender import Sender
from .settings import MAX_STEP, Settings, new_run_id, read_settings
from .spool import RunAddress, last_spooled_step
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
    config: Any = None,
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
    Starts a run and returns at once. The server is contacted in the background. Only a run that is resumed without
    `from_step` first asks it for the last step, which takes at most some seconds.

    `max_norm` or `clip_value` says how the training clips; without either, the first clip call does. If `optimizer`
    (torch) is given, its name is recorded, and its `lr` with every step. `resume=True` continues the run `id` after its
    last step, or from `from_step`, which deletes the run's stored points from that step on. `url`, `token`, `mode`
    (online, offline, disabled) and `spool_dir` come from the environment if not given. With `strict=True`, wrong use
    raises `WrongUse`; otherwise it only logs a warning.
    """
    notices = Notices(strict)
    refuse = notices.wrong_use
    settings = read_settings(refuse, url, token, mode if logs_on_this_rank() else "disabled", spool_dir)
    if settings.other_user is not None and settings.mode != "disabled":
        notices.warn(
            "other_user",
            f"the user {settings.other_user} listens on {settings.url}, and your own server is not running: this run "
            "is recorded offline; set NORMWATCH_URL to use another server",
        )
    run_id = take("id", id or os.environ.get("NORMWATCH_RUN_ID") or None, refuse)
    if resume and run_id is None:
        refuse("resume", "needs the id of the run to continue")
    resume, run_id = resume and run_id is not None, run_id or new_run_id()
    project = project or os.environ.get("NORMWATCH_PROJECT") or None
    fields = run_fields(
        refuse, optimizer, max_norm, clip_value, project=project, name=name, config=config, tags=tags, notes=notes
    )
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
    batcher, names = Batcher(from_step or 0), Names()
    is_off = settings.mode == "disabled"
    sender = None if is_off else Sender(settings, run_id, fields, batcher, names, notices, patch)
    run = Run(
        run_id,
        page_of(settings.url, run_id),
        notices,
        names,
        batcher,
        sender,
        clip=fields.get("clip"),
        optimizer=optimizer,
        config=fields.get("config"),
        log_layers=log_layers,
    )
    if sender is not None:
        make_current(run)
        if resume and from_step:
            run.event("resumed", step=from_step)
    if sender is not None:
        lifecycle.watch(run)
        project, name = fields.get("project", "default"), fields.get("name", run_id)
        where = run.url if settings.mode == "online" else f"offline, in {settings.spool_dir}"
        say(f"normwatch: {project} / {name} → {where}")
    return run


def _last_step(settings: Settings, notices: Notices, run_id: str) -> tuple[str, int]:
    """Id and first step of a resumed run. If the server does not answer: those of a new run, to overwrite nothing."""
    if settings.mode == "online":
        transport = Transport(settings.url, settings.token)
        reply = transport.request("GET", f"{API}/runs/{run_id}")
        last = transport.last_body.get("last_step", "")
        transport.close()
        is_new = reply.status == 404 and reply.code == "run_not_found"
        if is_new or (reply.status == 200 and (last is None or type(last) is int)):
            with contextlib.suppress(OSError):  # the spool cannot be read
                address = RunAddress(settings.url, run_id)
                spooled = max(last_spooled_step(folder, address) for folder in settings.spool_dirs)
                return run_id, max(spooled, last if type(last) is int else -1) + 1
    new_id = f"{run_id[:50]}-{new_run_id()[-6:]}"
    notices.warn(
        "resume",
        f"the last step of run {run_id} is not known (no answer from {settings.url}): this training continues as run "
        f"{new_id}; set from_step to continue it without asking the server",
    )
    return new_id, 0


def finish(status: str = "finished", *, timeout: float = FINISH_TIMEOUT) -> FinishReport | None:
    """Ends the current run, like `run.finish`. Returns None if no run is open."""
    run = current_run()
    return None if run is None else run.finish(status, timeout=timeout)
