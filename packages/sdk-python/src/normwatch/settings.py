"""Settings from arguments and the environment, and the bounds of the wire contract."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from .address import is_address
from .server_file import NotOwnFile, RunningServer, data_folder, other_user_on, running_server

DEFAULT_URL = "http://127.0.0.1:4280"
MODES = ("online", "offline", "disabled")

MAX_POINTS_PER_REQUEST = 10_000
"""The most points in one request, by the wire contract."""
MAX_CELLS_PER_REQUEST = 250_000
"""The most points × columns in one request. At 25 bytes per cell, it stays below the body limit of 8 MiB."""
MAX_STEP = 2**53 - 1
MAX_TIME = 1e11
MAX_NAME_LENGTH = 128
MAX_METRICS = 256
MAX_LAYERS = 4_096
"""Of one run."""
LAYER_PREFIX = "layers/"


class WrongUse(ValueError):
    """An invalid argument. Raised with `strict=True`; otherwise only a warning is logged."""


@dataclass(frozen=True)
class Settings:
    """Where readings go. Each field comes from the argument of `init`, else the environment, else its default."""

    url: str
    token: str | None
    mode: str
    spool_dir: Path
    is_url_named: bool = False
    """Whether the address comes from an argument or the environment, not from this user's server or the default."""
    is_token_own: bool = False
    """Whether the token is that of this user's server. It is then sent to no other server."""

    other_user: int | None = None
    """The id of another user who listens on the default address. Nothing is sent there."""

    def target(self, recorded_for: str) -> tuple[str, str | None]:
        """The address and token for readings spooled for an address. The address is empty if they must not be sent."""
        url = self.url if self.is_url_named or recorded_for == DEFAULT_URL else recorded_for
        if url == self.url and self.other_user is not None:
            return "", None
        return url, None if self.is_token_own and url != self.url else self.token

    @property
    def fallback_spool_dir(self) -> Path:
        """Where the spool goes if `spool_dir` cannot be written: this user's own folder in the temporary folder."""
        name = hashlib.sha256(str(self.spool_dir).encode()).hexdigest()[:8]
        return _own_temporary_folder() / f"spool-{name}"

    @property
    def spool_dirs(self) -> tuple[Path, Path]:
        return self.spool_dir, self.fallback_spool_dir


def read_settings(
    refuse: Callable[[str, str], None],
    url: str | None = None,
    token: str | None = None,
    mode: str | None = None,
    spool_dir: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """
    The settings to use. With an invalid URL or mode, readings stay on this machine for a later sync, because they must
    not go to a server that was not meant. Warnings contain neither the token nor the URL: the token is a secret, and
    the URL may contain one.
    """
    named = url or environment.get("NORMWATCH_URL")
    own = _own_server(None if named else refuse, environment)
    url = named or (own.url if own else DEFAULT_URL)
    is_usable = is_address(url)
    if not is_usable:
        refuse(
            "url",
            "must be an http or https address without a password, a query or a fragment, or unix:/path: "
            "this run is recorded offline",
        )
        url = ""
    other_user = None if named or own else other_user_on(url)
    given_token = token or environment.get("NORMWATCH_TOKEN") or None
    token = given_token or (own.token if own and own.url == url else None)
    token = token.strip() if isinstance(token, str) else token  # secrets mounted as files end with a line break
    if token is not None and not (isinstance(token, str) and re.fullmatch(r"[\x21-\x7e]{1,512}", token)):
        refuse("token", "must be 1 to 512 visible characters")
        token = None
    mode = mode or environment.get("NORMWATCH_MODE") or "online"
    if mode not in MODES:
        refuse(
            "mode", f"must be {', '.join(MODES[:-1])} or {MODES[-1]}, not {mode!r:.100}: this run is recorded offline"
        )
        mode = "offline"
    if mode == "online" and (not is_usable or other_user is not None):
        mode = "offline"
    if spool_dir is not None and not isinstance(spool_dir, (str, os.PathLike)):
        refuse("spool_dir", f"must be the path of a folder, not {spool_dir!r:.100}")
        spool_dir = None
    spool = spool_dir or environment.get("NORMWATCH_SPOOL")
    return Settings(
        url=url.rstrip("/"),
        token=token,
        mode=mode,
        spool_dir=_expand(spool) if spool else default_spool_dir(),
        is_url_named=bool(named),
        is_token_own=token is not None and given_token is None,
        other_user=other_user,
    )


def _own_server(refuse: Callable[[str, str], None] | None, environment: Mapping[str, str]) -> RunningServer | None:
    try:
        return running_server(data_folder(environment))
    except NotOwnFile as error:
        if refuse is not None:
            refuse("url", f"is not read from server.json: {error}")
    except (OSError, RuntimeError):  # the user has no home folder
        pass
    return None


def _expand(directory: str | os.PathLike[str]) -> Path:
    try:
        return Path(directory).expanduser()
    except RuntimeError:  # the user has no home folder
        return Path(directory)


def default_spool_dir() -> Path:
    try:
        home = Path.home()
    except RuntimeError:  # a container whose user has neither a name nor $HOME
        home = _own_temporary_folder()
    return home / ".cache" / "normwatch" / "spool"


def _own_temporary_folder() -> Path:
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"normwatch-{user}"


def new_run_id() -> str:
    """A unique id that sorts by time: `20261123-081706-9f2c1a`."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
