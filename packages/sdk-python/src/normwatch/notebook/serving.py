"""`normwatch.serve()`: finds this user's server, or starts it."""

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

from ..courier import API
from ..server_file import RunningServer, data_folder, running_server
from ..transport import Transport

DEFAULT_PORT = 4280
PAUSE = 0.1
FOR_THIS_USER = ["--first-token", "file"]
"""The server then only accepts the token in `server.json`, which only this user can read."""
TOKEN_COMMAND = "normwatch token create --name browser --scope admin"
SIGN_IN = "The dashboard asks for a token, once: {command}, in a terminal, makes one."


@dataclass(frozen=True)
class RunningHere:
    """This user's server. Trainings of this user find it automatically. `asks_for_token`: a browser must sign in."""

    url: str
    asks_for_token: bool = False

    def _repr_html_(self) -> str:
        address = html.escape(self.url)
        sign_in = f"<br>{SIGN_IN.format(command=f'<code>{TOKEN_COMMAND}</code>')}" if self.asks_for_token else ""
        return f'Normwatch runs on <a href="{address}" target="_blank" rel="noreferrer">{address}</a>{sign_in}'

    def __str__(self) -> str:
        sign_in = f". {SIGN_IN.format(command=TOKEN_COMMAND)}" if self.asks_for_token else ""
        return f"Normwatch runs on {self.url}{sign_in}"


def serve(*flags: str, timeout: float = 60.0) -> RunningHere:
    """
    Finds this user's server, or starts one that keeps running when the notebook ends. `flags` are those of the server:
    `serve("--port", "4290")`. The port is 4280 if it is free, else another one. Only this user has access, even on a
    machine with other users: the SDK and `show` use the token in `server.json`, and a browser signs in once.
    `serve("--first-token", "refuse")` starts a server that every user of this machine can access. Raises `RuntimeError`
    if no server answers within `timeout` seconds, or if the server is not installed
    (`pip install "normwatch[server]"`).
    """
    folder = data_folder()
    found = _answering(folder)
    if found is not None:
        return _here(found)
    if importlib.util.find_spec("normwatch_server") is None:
        raise RuntimeError('The server is not installed here: pip install "normwatch[server]"')
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = folder / "server.log"
    process = _start(flags, log, folder)
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        # another notebook may have started a server at the same moment: ours then ends by itself
        found = _answering(folder)
        if found is not None:
            return _here(found)
        if process.poll() is not None and _answering(folder) is None:
            break
        time.sleep(PAUSE)
    words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise RuntimeError(f"The server did not start: {words[-1] if words else 'it said nothing'} ({log})")


def _here(server: RunningServer) -> RunningHere:
    anonymous = Transport(server.url, None)
    is_refused = anonymous.request("GET", f"{API}/runs?limit=1").status == 401
    anonymous.close()
    return RunningHere(server.url, is_refused)


def _start(flags: tuple[str, ...], log: Path, folder: Path) -> subprocess.Popen[bytes]:
    names = {flag.split("=")[0] for flag in flags}
    where = [] if names & {"--port", "--socket"} or not _is_taken(DEFAULT_PORT) else ["--port", "0"]
    who = [] if names & {"--first-token", "--socket"} or "NORMWATCH_FIRST_TOKEN" in os.environ else FOR_THIS_USER
    # its own session, so that neither the end of the kernel nor an interrupted cell stops it
    alone: dict[str, Any] = {"start_new_session": True}
    if os.name == "nt":
        alone = {"creationflags": 0x00000208}  # detached, in its own process group
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "normwatch_server", "--data", str(folder), *where, *who, *flags],
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
