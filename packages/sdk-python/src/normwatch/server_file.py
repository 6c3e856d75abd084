"""Finds this user's server from its `server.json`, and other users who listen on the default port."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .address import is_address, is_loopback

MAX_BYTES = 64 * 1024
LISTENING = "0A"
"""The state of a listening socket in `/proc/net/tcp`."""
PEOPLE_FROM = 1000
"""Smaller user ids belong to the system, such as a service for all users of a machine."""
NOT_PEOPLE = (range(61184, 65520), (65534,))
"""Dynamic user ids of systemd services, and `nobody`, which stands for users from outside a container."""


@dataclass(frozen=True)
class RunningServer:
    """The server of this user: its address and its token."""

    url: str
    token: str


class NotOwnFile(Exception):
    """The file may have been written by another user. The message says why."""


def data_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The data folder of an installed server: `NORMWATCH_DATA`, else the platform's own."""
    named = environment.get("NORMWATCH_DATA")
    if named:
        return Path(named).expanduser()
    if os.name == "nt":
        local = environment.get("LOCALAPPDATA")
        return Path(local) / "normwatch" if local else Path.home() / "AppData" / "Local" / "normwatch"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "normwatch"
    shared = environment.get("XDG_DATA_HOME", "")
    return (Path(shared) if shared.startswith("/") else Path.home() / ".local" / "share") / "normwatch"


def running_server(folder: Path) -> RunningServer | None:
    """
    The server that runs on this data folder. None if there is none or this machine cannot reach it. Raises `NotOwnFile`
    if another user may have written the file, because readings and token could then go to that user.
    """
    content = _read(folder / "server.json")
    if content is None:
        return None
    url, token, host, pid = (content.get(name) for name in ("url", "token", "host", "pid"))
    if not (is_address(url) and isinstance(url, str) and isinstance(token, str)):
        return None
    if host == socket.gethostname():
        return RunningServer(url, token) if _runs(pid) else None
    # the home folder may be shared: another machine's loopback address or socket cannot be reached from here
    return None if is_loopback(url) else RunningServer(url, token)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if path.is_symlink():
            raise NotOwnFile(f"{path} is a link") from error
        return None
    with os.fdopen(file, "rb") as opened:
        found = os.fstat(opened.fileno())
        if hasattr(os, "getuid"):
            if found.st_uid != os.getuid():
                raise NotOwnFile(f"{path} belongs to another user")
            if found.st_mode & 0o077:
                raise NotOwnFile(f"{path} can be opened by other users")
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
            return None
        try:
            content = json.loads(opened.read())
        except (OSError, ValueError):
            return None
    return content if isinstance(content, dict) and content.get("version") == 1 else None


def _runs(pid: object) -> bool:
    """Whether a process of this user has this id. A server that was killed leaves the file behind."""
    if not isinstance(pid, int) or pid <= 0:
        return False
    if os.name == "nt":  # there, signal 0 would end it
        return True
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def other_user_on(url: str, tables: Path = Path("/proc/net")) -> int | None:
    """
    The id of another user whose program listens on this loopback address, as can happen on a login node. None if
    nothing listens there, if the listener belongs to this user, root or a system service, or if that is unknown.
    """
    if not hasattr(os, "getuid") or not is_loopback(url):
        return None
    port = f":{urlsplit(url).port or 80:04X}"
    for name in ("tcp", "tcp6"):
        try:
            lines = (tables / name).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if (
                len(fields) > 7
                and fields[1].endswith(port)
                and fields[3] == LISTENING
                and _is_other_user(int(fields[7]))
            ):
                return int(fields[7])
    return None


def _is_other_user(uid: int) -> bool:
    return uid >= PEOPLE_FROM and uid != os.getuid() and not any(uid in ids for ids in NOT_PEOPLE)
