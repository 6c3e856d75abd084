"""`normwatch.serve()`: this user's server, started where it does not run."""

from __future__ import annotations

import html
import importlib.util
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..server_file import RunningServer, data_folder, running_server
from ..transport import Transport

DEFAULT_PORT = 4280
PAUSE = 0.1


@dataclass(frozen=True)
class RunningHere:
    """This user's server. Trainings of this user find it by themselves."""

    url: str

    def _repr_html_(self) -> str:
        address = html.escape(self.url)
        return f'Normwatch runs on <a href="{address}" target="_blank" rel="noreferrer">{address}</a>'

    def __str__(self) -> str:
        return f"Normwatch runs on {self.url}"


def serve(*flags: str, timeout: float = 60.0) -> RunningHere:
    """
    Finds this user's server, or starts one that goes on when the notebook ends: `serve("--port", "4290")`. Port 4280 is
    taken where it is free, else another. Raises `RuntimeError` where no server answers within `timeout` seconds, and
    where the server is not installed (`pip install "normwatch[server]"`).
    """
    folder = data_folder()
    found = _answering(folder)
    if found is not None:
        return RunningHere(found.url)
    if importlib.util.find_spec("normwatch_server") is None:
        raise RuntimeError('The server is not installed here: pip install "normwatch[server]"')
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = folder / "server.log"
    process = _start(flags, log, folder)
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        # another notebook may have started one in the same moment: then this one ends by itself
        found = _answering(folder)
        if found is not None:
            return RunningHere(found.url)
        if process.poll() is not None and _answering(folder) is None:
            break
        time.sleep(PAUSE)
    words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise RuntimeError(f"The server did not start: {words[-1] if words else 'it said nothing'} ({log})")


def _start(flags: tuple[str, ...], log: Path, folder: Path) -> subprocess.Popen[bytes]:
    names = {flag.split("=")[0] for flag in flags}
    where = [] if names & {"--port", "--socket"} or not _is_taken(DEFAULT_PORT) else ["--port", "0"]
    # a session of its own: neither the kernel's end nor an interrupt of a cell reaches it
    alone: dict[str, Any] = {"start_new_session": True}
    if os.name == "nt":
        alone = {"creationflags": 0x00000208}  # detached, a process group of its own
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "normwatch_server", "--data", str(folder), *where, *flags],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            **alone,
        )
    finally:
        os.close(file)


def _answering(folder: Path) -> RunningServer | None:
    found = running_server(folder)
    if found is None:
        return None
    transport = Transport(found.url, found.token)
    is_ready = transport.request("GET", "/readyz").status == 200
    transport.close()
    return found if is_ready else None


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
