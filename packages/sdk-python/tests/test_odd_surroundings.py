"""`normwatch run` in odd surroundings: the output, exit code and weights stay those of the training."""

from __future__ import annotations

import math
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from fake_server import FakeServer

from normwatch.capture.launch import ignores_environment
from normwatch.capture.run_config import training_config

TRAINING = """
import math, torch
torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
norms = []
for _ in range(3):
    optimizer.zero_grad()
    model(torch.randn(8, 4)).square().mean().backward()
    norms.append(math.sqrt(sum(float(p.grad.double().square().sum()) for p in model.parameters())))
    optimizer.step()
print(norms, model.weight.tolist(), flush=True)
"""


class Odd(NamedTuple):
    before: str = ""
    """What the program does before it trains."""
    after: str = ""
    shell: str = "RUN PYTHON train.py"
    """How it is started. RUN stands for `normwatch run --`, or for nothing."""
    code: int = 0
    is_watched: bool = True


SURROUNDINGS = {
    "arguments that are gone": Odd("import sys; del sys.argv"),
    "arguments that are no texts": Odd("import sys; sys.argv = [None, 3, b'x']"),
    "a working folder that is gone": Odd("import os; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')"),
    "a working folder that was gone before": Odd(
        shell="here=$PWD; mkdir x; cd x; rmdir ../x; RUN PYTHON $here/train.py"
    ),
    "no stderr": Odd(shell="RUN PYTHON train.py 2>&-"),
    "no stdout": Odd(shell="RUN PYTHON train.py >&- 2> errors; code=$?; cat errors >&2; exit $code"),
    "no stdin and a full stderr": Odd(shell="RUN PYTHON train.py <&- 2>/dev/full"),
    "an argument that is no UTF-8": Odd(
        shell=r"LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 RUN PYTHON train.py $'\xff'"
    ),
    "an exit in finally": Odd(after="import sys\ntry: 1 / 0\nfinally: sys.exit(7)", code=7),
    "a program in stdin": Odd(shell="RUN PYTHON - < train.py"),
    "a Python without its environment": Odd(shell="RUN PYTHON -I train.py", is_watched=False),
}


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_the_program_does_the_same_and_is_recorded(name: str, server: FakeServer, tmp_path: Path) -> None:
    odd = SURROUNDINGS[name]
    outputs: list[tuple[int, str]] = []
    errors = ""
    for watching in ("", f"{shlex.quote(sys.executable)} -m normwatch run --"):
        folder = tmp_path / ("watched" if watching else "alone")
        folder.mkdir()
        (folder / "train.py").write_text(f"{odd.before}\n{TRAINING}\n{odd.after}\n")
        command = odd.shell.replace("RUN", watching).replace("PYTHON ", f"{shlex.quote(sys.executable)} ")
        source = str(Path(__file__).parents[1] / "src")
        environment = {**os.environ, "NORMWATCH_URL": server.url, "PYTHONPATH": source, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, timeout=120, check=False
        )
        outputs.append((done.returncode, done.stdout.decode()))
        errors = done.stderr.decode(errors="replace")
    assert outputs[0] == outputs[1], errors
    assert outputs[0][0] == odd.code
    [run] = server.runs.values() if odd.is_watched else [None]
    if run is None:
        assert "not watched" in errors
        return
    norms = [float(number) for number in re.findall(r"[\d.e-]+", outputs[0][1].partition("]")[0])]
    recorded = [point["grad_norm"] for point in run["points"].values()]
    assert len(recorded) == 3
    assert recorded == [pytest.approx(norm, rel=1e-4) for norm in norms or recorded]
    assert run["status"] == ("failed" if odd.code else "finished")
    assert math.isclose(run["points"][0]["lr"], 0.1)
    assert errors.count("normwatch: ") <= 1


def test_what_a_program_has_changed_costs_the_config_that_value_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys, "argv")
    config = training_config()
    assert "command" not in config
    assert config["python"].startswith("3.")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python -I train.py", True),
        ("/usr/bin/python3.11 -u -E train.py", True),
        ("python -uS -m train", True),
        ("python -W error -X dev train.py -I", False),
        ("python -Werror -Ximporttime -s train.py", False),
        ("python -c I", False),
        ("python -m pkg -E", False),
        ("torchrun -I train.py", False),
        ("python", False),
    ],
)
def test_a_python_that_is_started_without_its_environment_is_known(command: str, expected: bool) -> None:
    assert ignores_environment(command.split()) is expected
