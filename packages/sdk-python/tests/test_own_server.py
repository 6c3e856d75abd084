"""Finding this user's own server: `server.json`, Unix sockets, and login nodes where other people listen."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_server import FakeServer
from service import Service

import normwatch
from normwatch import server_file
from normwatch.__main__ import main
from normwatch.transport import Transport

TOKEN = "nw_" + "t" * 43
NO_PID = 2**30
"""A process id larger than any system uses."""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "share"
    folder.mkdir()
    monkeypatch.setenv("NORMWATCH_DATA", str(folder))
    return folder


def write(data: Path, url: str, **other: Any) -> Path:
    content = {"version": 1, "token": TOKEN, "url": url, "host": socket.gethostname(), "pid": os.getpid(), **other}
    path = data / "server.json"
    path.write_text(json.dumps(content))
    path.chmod(0o600)
    return path


def shown_tokens(server: FakeServer) -> set[str | None]:
    return {request.headers.get("authorization") for request in server.requests}


def log_one(**arguments: Any) -> Any:
    run = normwatch.init(id="r", **arguments)
    run.log(loss=1.0)
    return run.finish(timeout=20)


def test_a_training_sends_to_its_users_server_wherever_it_listens_and_is_let_in(
    data: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("normwatch.settings.DEFAULT_URL", "http://127.0.0.1:1")
    write(data, server.url)
    assert log_one().sent == 1
    assert shown_tokens(server) == {f"Bearer {TOKEN}"}


def test_a_server_that_was_named_is_shown_no_token_of_another(data: Path, server: FakeServer) -> None:
    write(data, "http://127.0.0.1:1")
    assert log_one(url=server.url).sent == 1
    assert shown_tokens(server) == {None}


@pytest.mark.parametrize("fault", ["its mode", "its owner", "a link"])
def test_a_file_that_another_user_may_have_written_is_refused(
    data: Path, server: FakeServer, fault: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(data, "http://127.0.0.1:1")
    if fault == "its mode":
        path.chmod(0o640)
    elif fault == "its owner":
        monkeypatch.setattr("os.getuid", lambda: os.stat(path).st_uid + 1)
    else:
        path.rename(data / "elsewhere.json")
        path.symlink_to(data / "elsewhere.json")
    monkeypatch.setattr("normwatch.settings.DEFAULT_URL", server.url)
    assert log_one().sent == 1
    assert shown_tokens(server) == {None}
    assert "server.json" in caplog.text


@pytest.mark.parametrize(
    "other",
    [{"pid": NO_PID}, {"pid": 0}, {"host": "another"}, {"url": None}, {"version": 2}, {"url": "ftp://x"}],
    ids=repr,
)
def test_a_server_that_is_gone_or_on_another_machine_is_not_asked(
    data: Path, server: FakeServer, other: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(data, **{"url": "http://127.0.0.1:1", **other})
    monkeypatch.setattr("normwatch.settings.DEFAULT_URL", server.url)
    assert log_one().sent == 1
    assert shown_tokens(server) == {None}


def test_a_server_on_another_machine_is_found_where_that_machine_can_be_reached(data: Path) -> None:
    write(data, "http://login1.example:4280", host="login1.example", pid=1)
    found = server_file.running_server(data)
    assert found == server_file.RunningServer("http://login1.example:4280", TOKEN)


TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:10B8 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 {uid:5}        0 211 1 0 100 0 0 10 0
"""


@pytest.mark.parametrize(
    ("uid", "state", "url", "found"),
    [
        (1042, "0A", "http://127.0.0.1:4280", 1042),
        (200042, "0A", "http://localhost:4280", 200042),
        (1042, "01", "http://127.0.0.1:4280", None),  # a connection
        (1042, "0A", "http://127.0.0.1:4281", None),
        (1042, "0A", "http://login1:4280", None),
        (0, "0A", "http://127.0.0.1:4280", None),  # the container engine
        (998, "0A", "http://127.0.0.1:4280", None),  # a service of the machine
        (61184, "0A", "http://127.0.0.1:4280", None),  # one of systemd's dynamic users
        (65534, "0A", "http://127.0.0.1:4280", None),
        (1001, "0A", "http://127.0.0.1:4280", None),  # this user
    ],
)
def test_another_persons_port_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid: int, state: str, url: str, found: int | None
) -> None:
    monkeypatch.setattr("os.getuid", lambda: 1001)
    (tmp_path / "tcp").write_text(TABLE.format(uid=uid, state=state))
    assert server_file.other_user_on(url, tmp_path) == found


def test_this_machines_own_table_is_read(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert server_file.other_user_on(server.url) is None
    if Path("/proc/net/tcp").exists() and os.getuid() >= server_file.PEOPLE_FROM:
        own = os.getuid()
        monkeypatch.setattr("os.getuid", lambda: own + 1)
        assert server_file.other_user_on(server.url) == own


def test_nothing_is_sent_to_another_persons_default_port_but_kept_for_the_users_own_server(
    data: Path, server: FakeServer, spool: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("normwatch.settings.DEFAULT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("normwatch.settings.other_user_on", lambda url: 1042)
    assert log_one().unsent == 1
    assert "the user 1042 listens on http://127.0.0.1:1" in caplog.text
    assert main(["sync"]) == 1
    assert len(list(spool.iterdir())) == 1
    assert main(["doctor"]) == 1
    write(data, server.url)
    assert main(["sync"]) == 0
    assert list(server.runs) == ["r"]
    assert shown_tokens(server) == {f"Bearer {TOKEN}"}


def test_what_was_recorded_for_a_named_server_goes_there_without_the_own_servers_token(
    data: Path, server: FakeServer
) -> None:
    assert log_one(url=server.url, mode="offline").unsent == 1
    write(data, "http://127.0.0.1:1")
    assert main(["sync"]) == 0
    assert shown_tokens(server) == {None}


@pytest.fixture
def on_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A real server on a Unix socket, whose data folder is the user's."""
    monkeypatch.setenv("NORMWATCH_DATA", str(tmp_path / "data"))
    service = Service(tmp_path, socket=tmp_path / "nw.sock")
    yield service
    service.stop()


def points_of(service: Service, run: str) -> int | None:
    transport = Transport(service.url, None)
    transport.request("GET", f"/api/v1/runs/{run}")
    transport.close()
    return transport.last_body.get("points")


def test_a_socket_takes_readings_by_name_and_unnamed_and_after_a_kill(
    on_socket: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    assert on_socket.socket is not None
    assert stat.S_IMODE(on_socket.socket.stat().st_mode) == 0o600
    run = normwatch.init(id="named", url=on_socket.url)
    assert run.url == "http://localhost:4280/runs/named"
    run.log(loss=1.0)
    assert run.finish(timeout=20).sent == 1
    assert log_one().sent == 1
    assert (points_of(on_socket, "named"), points_of(on_socket, "r")) == (1, 1)
    assert main(["doctor"]) == 0
    assert on_socket.url in capsys.readouterr().out

    run = normwatch.init(id="killed")
    run.log(loss=1.0)
    assert run.flush(20)
    on_socket.kill()
    run.log(loss=2.0)
    on_socket.start()
    assert run.finish(timeout=30).sent == 2
    assert points_of(on_socket, "killed") == 2
