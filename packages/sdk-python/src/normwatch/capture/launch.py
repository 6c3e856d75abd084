"""`normwatch run -- python train.py`: the command replaces this process. Every Python process in it is watched."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..notices import say

BOOTSTRAP = Path(__file__).parent / "bootstrap"
OPTIONS_VARIABLE = "NORMWATCH_CAPTURE"
OPTIONS = frozenset({"project", "name", "tags", "measure", "log_config", "url"})
"""The arguments of `autolog` that are passed to the started processes, as JSON in `OPTIONS_VARIABLE`."""
NOT_FOUND = 127


def watched_environment(options: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """A copy of the environment in which each Python process finds our `sitecustomize.py` first."""
    path = environment.get("PYTHONPATH")
    return {
        **environment,
        "PYTHONPATH": os.pathsep.join([str(BOOTSTRAP), *([path] if path else [])]),
        OPTIONS_VARIABLE: json.dumps({name: value for name, value in options.items() if value is not None}),
    }


def ignores_environment(command: Sequence[str]) -> bool:
    """Whether this is a Python with an option that keeps it from finding our `sitecustomize.py`."""
    if not Path(command[0]).name.startswith("python"):
        return False
    options = iter(command[1:])
    for option in options:
        if not option.startswith("-") or option.startswith("--"):
            return False
        for position, letter in enumerate(option[1:], 1):
            if letter in "IES":
                return True
            if letter in "cm":
                return False
            if letter in "WX":
                if position == len(option) - 1:
                    next(options, None)
                break
    return False


def launch(command: Sequence[str], options: Mapping[str, Any]) -> int:
    """
    Replaces this process by `command`. The process id stays, so signals and the exit code are those of the command.
    Returns only if the command cannot be started: 127, like a shell.
    """
    program = shutil.which(command[0])
    if program is not None:
        if ignores_environment(command):
            say(f"normwatch run: {command[0]} -I, -E or -S hides Normwatch: not watched")
        os.execve(program, list(command), watched_environment(options))
    say(f"normwatch run: {command[0]}: command not found")
    return NOT_FOUND
