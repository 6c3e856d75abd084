"""A small HTTP server that stores what it is sent, like the real one, and misbehaves on demand."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, NamedTuple, Optional


class Request(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Answer(NamedTuple):
    status: int
    body: Any = None
    """The body: bytes are sent unchanged, anything else as JSON."""
    headers: dict[str, str] = {}  # noqa: RUF012


Misbehaviour = Callable[[Request], Optional[Answer]]


def refusal(status: int, code: str, message: str = "no", **headers: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message, "details": []}}, headers)


class FakeServer:
    """Keeps runs and points in memory. `misbehave` can answer instead of it. It can stop and restart on its port."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.runs: dict[str, dict[str, Any]] = {}
        self.misbehave: Misbehaviour = lambda request: None
        self._connections: list[socket.socket] = []
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                server._connections.append(self.connection)

            def handle_any(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                if self.headers.get("content-encoding") == "gzip":
                    raw = gzip.decompress(raw)
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, json.loads(raw) if raw else None)
                answer = server.answer(request)
                body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name.replace("_", "-"), value)
                if "content_length" not in answer.headers:
                    self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_PATCH = handle_any

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # the client has hung up, as some tests intend

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._connections.clear()

    def answer(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
        return self.misbehave(request) or self.behave(request)

    def behave(self, request: Request) -> Answer:
        with self._lock:
            run_id, _, _what = request.path.removeprefix("/api/v1/runs/").partition("/")
            if request.method == "PUT":
                is_new = run_id not in self.runs
                run = self.runs.setdefault(run_id, {"id": run_id, "status": "running", "fields": {}, "points": {}})
                run["fields"].update(request.body)
                return Answer(201 if is_new else 200, {"id": run_id})
            if run_id not in self.runs:
                return refusal(404, "run_not_found", f"there is no run {run_id}")
            run = self.runs[run_id]
            if request.method == "GET":
                return Answer(200, {"id": run_id, "last_step": max(run["points"], default=None)})
            if request.method == "PATCH":
                return self._patch(run, request.body)
            if request.path.endswith("/events"):
                run.setdefault("events", []).extend(request.body["events"])
                return Answer(200, {"accepted": len(request.body["events"])})
            return self._store(run, request.body["columns"])

    def _patch(self, run: dict[str, Any], changes: dict[str, Any]) -> Answer:
        changes = dict(changes)
        run["status"] = changes.pop("status", run["status"])
        last = changes.pop("truncate_after", None)
        if last is not None:
            run["points"] = {step: point for step, point in run["points"].items() if step <= last}
        parts = run["fields"].get("parts", {})
        for name, about in changes.pop("parts", {}).items():
            run["fields"]["parts"] = parts
            parts.setdefault(name, {}).update(about)
        run["fields"].update(changes)
        return Answer(200, {"id": run["id"]})

    def _store(self, run: dict[str, Any], columns: dict[str, list[Any]]) -> Answer:
        steps = columns["step"]
        assert len(steps) <= 10_000
        assert all(len(column) == len(steps) for column in columns.values())
        for i, step in enumerate(steps):
            point = run["points"].setdefault(step, {})
            point.update(
                {name: column[i] for name, column in columns.items() if name != "step" and column[i] is not None}
            )
        return Answer(200, {"accepted": len(steps), "last_step": max(run["points"], default=None)})

    def points(self, run_id: str) -> dict[int, dict[str, Any]]:
        """The stored readings by step, without times."""
        points = self.runs[run_id]["points"]
        return {
            step: {k: v for k, v in sorted(points[step].items()) if k not in ("step", "time")}
            for step in sorted(points)
        }
