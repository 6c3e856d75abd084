"""The code blocks of the documentation, and how to run each."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("README.md", "docs/sdk-python.md", "docs/capture.md", "docs/recipes.md", "packages/sdk-python/README.md")


class Snippet(NamedTuple):
    name: str
    kind: str
    """The words after the fence: `python`, `python frameworks`, `python torchrun`, `ts`, `sh`."""
    code: str


def snippets(*kinds: str) -> list[Snippet]:
    """The blocks of these kinds, each named after its page and heading."""
    found = []
    for page in PAGES:
        text = (ROOT / page).read_text()
        for block in re.finditer(r"^```([^\n]+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            heading = re.findall(r"^#+ (.*)$", text[: block.start()], re.MULTILINE)[-1]
            if block[1] in kinds:
                found.append(Snippet(f"{page}: {heading}", block[1], block[2]))
    return found


def run_snippet(snippet: Snippet, url: str, folder: Path) -> str:
    """Runs a block as a separate program with the server at `url`. Returns its output, including warnings."""
    suffix = {"ts": ".ts", "sh": ".sh"}.get(snippet.kind, ".py")
    program = folder / f"snippet{suffix}"
    # torch's threads sometimes abort while a process that used gloo exits, with and without a monitor
    code = snippet.code + "\nimport os\nos._exit(0)\n" if snippet.kind == "python torchrun" else snippet.code
    program.write_text(code)
    if suffix == ".ts":
        (folder / "node_modules").symlink_to(ROOT / "node_modules")
        (folder / "package.json").write_text('{"type": "module"}')
    command = {
        "python torchrun": [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc_per_node=2",
            program,
        ],
        "ts": [ROOT / "node_modules/.bin/node", program],
        "sh": ["bash", "-eu", program],
    }.get(snippet.kind, [sys.executable, program])
    environment = {**os.environ, "NORMWATCH_URL": url, "NORMWATCH_SPOOL": str(folder / "spool"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not list((folder / "spool").glob("*")), "something was not sent"
    return done.stdout + done.stderr
