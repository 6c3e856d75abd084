"""The config of a captured run: its command line, versions and world size. Never environment variables."""

from __future__ import annotations

import contextlib
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

from .hidden import HIDDEN, without_passwords

MAX_ARGUMENTS = 200
SECRET = re.compile(r"token|secret|passw|api[-_]?key|credential", re.IGNORECASE)
GIT_SECONDS = 2.0


def training_config() -> dict[str, Any]:
    """The run's config: numbers and texts. What cannot be read, as in a program that has changed `sys`, is left out."""
    readers: dict[str, Callable[[], Any]] = {
        "command": _command_line,
        "python": platform.python_version,
        "torch": lambda: str(sys.modules["torch"].__version__),
        "cuda": _cuda_version,
        "world_size": _world_size,
        "git_commit": _git_commit,
    }
    config: dict[str, Any] = {}
    for name, read in readers.items():
        with contextlib.suppress(Exception):
            config[name] = read()
    return {name: value for name, value in config.items() if value is not None}


def _cuda_version() -> str | None:
    torch = sys.modules["torch"]
    return str(torch.version.cuda) if torch.version.cuda is not None and torch.cuda.is_available() else None


def _world_size() -> int | None:
    distributed = sys.modules["torch"].distributed
    is_spread = distributed.is_available() and distributed.is_initialized()
    return int(distributed.get_world_size()) if is_spread else None


def _command_line() -> str:
    """The arguments of the script, without the values of those that look like secrets."""
    shown: list[str] = []
    hide_next = False
    for argument in map(str, sys.argv[:MAX_ARGUMENTS]):
        option, equals, _ = argument.partition("=")
        if hide_next and not argument.startswith("-"):
            shown.append(HIDDEN)
            hide_next = False
            continue
        hide_next = False
        if SECRET.search(option) and (equals or option.startswith("-")):
            shown.append(f"{option}={HIDDEN}" if equals else option)
            hide_next = not equals
        else:
            shown.append(without_passwords(argument))
    return " ".join(shown)


def _git_commit() -> str | None:
    """The git commit of the script's folder, or None if git cannot tell."""
    folder = Path(sys.argv[0]).resolve().parent if sys.argv and sys.argv[0] else Path.cwd()
    answer = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, timeout=GIT_SECONDS, check=False
    )
    commit = answer.stdout.strip()
    return commit if re.fullmatch(r"[0-9a-f]{40,64}", commit) else None
