"""A real Normwatch server process, and requests to read from it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from normwatch.transport import Transport

ROOT = Path(__file__).resolve().parents[3]
NODE = ROOT / "node_modules" / ".bin" / "node"
MAIN = ROOT / "apps" / "server" / "src" / "main.ts"
START_TIMEOUT = 60.0


class Service:
    """Starts at once. `kill` is kill -9. `start` starts it again with the same data and port."""

    def __init__(self, data: Path, socket: Path | None = None) -> None:
        self.data = data
        self.port = _free_port()
        self.socket = socket
        self.url = f"http://127.0.0.1:{self.port}" if socket is None else f"unix:{socket}"
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("NORMWATCH_")}
        where = ["--port", str(self.port)] if self.socket is None else ["--socket", self.socket]
        arguments = [NODE, MAIN, *where, "--data", self.data / "data"]
        with (self.data / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(arguments, env=environment, stdout=log, stderr=log, cwd=self.data)
        pause = threading.Event()
        for _ in range(int(START_TIMEOUT / 0.05)):
            if self.process.poll() is not None:
                break
            transport = Transport(self.url, None)
            is_ready = transport.request("GET", "/readyz").status == 200
            transport.close()
            if is_ready:
                return
            pause.wait(0.05)
        raise RuntimeError("the server does not start:\n" + (self.data / "log.txt").read_text()[-4000:])

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: int) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/api/v1{path}", timeout=60) as reply:
            return json.load(reply)

    def has(self, path: str) -> bool:
        """Whether the server has this route."""
        try:
            self.get(path)
        except urllib.error.HTTPError as error:
            return error.code != 404
        return True

    def points(self, run: str) -> Iterator[dict[str, Any]]:
        """The raw readings of a run, in step order."""
        with urllib.request.urlopen(f"{self.url}/api/v1/runs/{run}/points?format=ndjson", timeout=120) as reply:
            yield from map(json.loads, reply)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
