"""The config of a captured run: its command line, versions and world size. Never environment variables."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from .hidden import HIDDEN, without_passwords

MAX_ARGUMENTS = 200
SECRET = re.compile(r"token|secret|passw|api[-_]?key|credential", re.IGNORECASE)
GIT_SECONDS = 2.0


def training_config() -> dict[str, Any]:
    """The run's config: numbers and texts."""
    config: dict[str, Any] = {"command": _command_line(), "python": platform.python_version()}
    torch = sys.modules.get("torch")
    if torch is not None:
        config["torch"] = str(torch.__version__)
        if torch.version.cuda is not None and torch.cuda.is_available():
            config["cuda"] = torch.version.cuda
        distributed = torch.distributed
        if distributed.is_available() and distributed.is_initialized():
            config["world_size"] = distributed.get_world_size()
    commit = _git_commit()
    if commit is not None:
        config["git_commit"] = commit
    return config


def _command_line() -> str:
    """The arguments of the script, without the values of those that look like secrets."""
    shown: list[str] = []
    hide_next = False
    for argument in sys.argv[:MAX_ARGUMENTS]:
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
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, timeout=GIT_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    commit = answer.stdout.strip()
    return commit if re.fullmatch(r"[0-9a-f]{40,64}", commit) else None
