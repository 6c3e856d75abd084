"""`normwatch run -- python train.py`: trainings without Normwatch in their code, run with it and without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_server import FakeServer

PROGRAMS = Path(__file__).parent / "captured"
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
TIMEOUT = 300

TRAININGS: dict[str, list[str]] = {
    "a plain loop that clips": ["plain.py"],
    "a loop that clips by value": ["by_value.py"],
    "accumulated gradients, not clipped": ["accumulation.py"],
    "a GradScaler": ["amp.py"],
    "a GradScaler and a fused optimizer": ["amp.py", "fused"],
    "bfloat16 weights": ["bf16.py"],
    "LBFGS": ["lbfgs.py"],
    "LBFGS that clips": ["lbfgs.py", "clip"],
    "a GAN with two optimizers": ["gan.py"],
    "one clip call for two optimizers": ["joint_clip.py"],
    "torch.compile": ["compiled.py"],
    "a step decided against after a NaN": ["guarded.py"],
    "a step decided against, gradients set to zero": ["guarded.py", "zeros"],
    "forked data-loader workers": ["workers.py", "fork"],
    "spawned data-loader workers": ["workers.py", "spawn"],
    "the Trainer of transformers": ["hf_trainer.py", "1"],
    "the Trainer of transformers with accumulation": ["hf_trainer.py", "3"],
    "the Trainer with a language model and accumulation": ["hf_language_model.py"],
    "accelerate with accumulation": ["with_accelerate.py", "2"],
    "accelerate with a shorter last step": ["with_accelerate.py", "3"],
    "Lightning": ["with_lightning.py", "automatic"],
    "Lightning with a shorter last step": ["with_lightning.py", "accumulated"],
    "Lightning with manual optimisation": ["with_lightning.py", "manual"],
    "a Hydra main": ["with_hydra.py", "lr=0.25"],
    "a Hydra main with values that cannot be read": ["with_hydra.py", "--config-name", "odd"],
    "a click command": ["with_click.py", "--lr", "0.25", "--api-key", "abc"],
    "argparse": ["with_argparse.py", "--lr", "0.25", "--wandb-api-key", "abc"],
    "DDP": [*TORCHRUN, "sharded.py", "ddp", "clip"],
    "FSDP2 that clips": [*TORCHRUN, "sharded.py", "fsdp2", "clip"],
    "FSDP2 that does not clip": [*TORCHRUN, "sharded.py", "fsdp2"],
    "FSDP2 on four ranks": [*TORCHRUN[:-1], "4", "sharded.py", "fsdp2", "clip"],
    "HSDP on four ranks, not clipped": [*TORCHRUN[:-1], "4", "sharded.py", "hsdp"],
    "tensor parallel that clips": [*TORCHRUN, "sharded.py", "tp", "clip"],
    "tensor parallel in part, not clipped": [*TORCHRUN, "sharded.py", "tp-in-part"],
    "FSDP1 that clips": [*TORCHRUN, "sharded.py", "fsdp1", "clip"],
}


def train(arguments: list[str], server: FakeServer | None, tmp_path: Path) -> dict[str, Any]:
    """Runs a program, watched if there is a server. Returns what its reference recorded."""
    command = [sys.executable, *arguments]
    if server is not None:
        command = [sys.executable, "-m", "normwatch", "run", "--project", "captured", "--", *command]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=PROGRAMS, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("REFERENCE "))
    told: dict[str, Any] = json.loads(line.removeprefix("REFERENCE "))
    return told


@pytest.mark.parametrize("name", TRAININGS)
def test_an_unmodified_training_is_recorded_truly_and_not_changed(
    name: str, server: FakeServer, tmp_path: Path
) -> None:
    reference = train(TRAININGS[name], server, tmp_path)
    assert reference["weights"] == train(TRAININGS[name], None, tmp_path)["weights"]
    [run] = server.runs.values()
    assert run["status"] == "finished"
    assert run["fields"]["project"] == "captured"
    assert len(run["points"]) == len(reference["readings"])
    for point, expected in zip(run["points"].values(), reference["readings"]):
        for reading, value in expected.items():
            seen = point.get(reading)
            exact = isinstance(value, str) or isinstance(seen, str)
            assert seen == (value if exact else pytest.approx(value, rel=2e-5)), (reading, point, expected)


def captured_config(arguments: list[str], server: FakeServer, tmp_path: Path) -> dict[str, Any]:
    train(arguments, server, tmp_path)
    [run] = server.runs.values()
    config: dict[str, Any] = run["fields"]["config"]
    return config


def test_the_settings_that_a_program_reads_are_kept_without_its_secrets(server: FakeServer, tmp_path: Path) -> None:
    config = captured_config(TRAININGS["argparse"], server, tmp_path)
    assert config["arguments"] == {"lr": 0.25, "width": 4, "data": "corpus", "wandb_api_key": "(hidden)"}
    assert config["command"] == "with_argparse.py --lr 0.25 --wandb-api-key (hidden)"


def test_hydras_config_is_kept_with_its_references_followed(server: FakeServer, tmp_path: Path) -> None:
    config = captured_config(TRAININGS["a Hydra main"], server, tmp_path)
    assert config["hydra"] == {"seed": 0, "steps": 4, "lr": 0.25, "model": {"width": 4}}


def test_hydras_config_is_read_without_drawing_random_numbers_or_showing_secrets(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NORMWATCH_TEST_SECRET", "hunter2")
    odd = TRAININGS["a Hydra main with values that cannot be read"]
    config = captured_config([*odd, "+also_key=hunter3://user:hunter2@host"], server, tmp_path)
    assert config["hydra"] == {
        "seed": 0,
        "steps": 4,
        "lr": 0.05,
        "also": 0.05,
        "model": {"width": 4},
        "data": {"path": "???", "from": "${data.path}", "mirror": "postgres://user:(hidden)@host/corpus"},
        "noise": "${draw:}",
        "again": "${draw:}",
        "key": "${oc.env:NORMWATCH_TEST_SECRET}",
        "key_too": "${oc.env:NORMWATCH_TEST_SECRET}",
        "token": "(hidden)",
        "broken": "${fail:}",
        "also_key": "hunter3://user:(hidden)@host",
    }
    assert "hunter2" not in str(server.requests)


def test_the_arguments_of_the_trainer_are_kept(server: FakeServer, tmp_path: Path) -> None:
    config = captured_config(TRAININGS["the Trainer of transformers"], server, tmp_path)
    assert config["training_arguments"]["per_device_train_batch_size"] == 8


def test_a_click_command_that_fails_has_failed(server: FakeServer, tmp_path: Path) -> None:
    script = [sys.executable, str(PROGRAMS / "with_click.py"), "--fail"]
    command = [sys.executable, "-m", "normwatch", "run", "--", *script]
    done = subprocess.run(command, cwd=PROGRAMS, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 1, done.stderr
    [run] = server.runs.values()
    assert (run["status"], len(run["points"])) == ("failed", 4)


def test_a_notebook_is_watched_from_outside_and_from_inside(server: FakeServer, tmp_path: Path) -> None:
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    plain = train(["in_notebook.py"], None, tmp_path)
    for reference in (
        train(["in_notebook.py"], server, tmp_path),
        train(["in_notebook.py", "autolog"], None, tmp_path),
    ):
        assert reference["weights"] == plain["weights"]
    outside, inside = server.runs.values()
    for run in (outside, inside):
        assert (run["fields"]["project"], run["status"]) == ("captured", "finished")
        norms = [point["grad_norm"] for point in run["points"].values()]
        assert norms == [pytest.approx(expected["grad_norm"], rel=2e-5) for expected in plain["readings"]]


@pytest.mark.parametrize(("stage", "tolerance"), [("0", 2e-5), ("2", 2e-2)])  # ZeRO keeps gradients in bfloat16
def test_deepspeed_is_recorded_where_it_can_be_installed(
    stage: str, tolerance: float, server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [os.environ.get("DEEPSPEED_FOLDER", ""), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    imported = subprocess.run([sys.executable, "-c", "import deepspeed"], capture_output=True, text=True, check=False)
    if imported.returncode != 0:
        pytest.skip(f"DeepSpeed cannot be imported here: {imported.stderr.strip().splitlines()[-1]}")
    reference = train(["with_deepspeed.py", stage], server, tmp_path)
    assert reference["weights"] == train(["with_deepspeed.py", stage], None, tmp_path)["weights"]
    [run] = server.runs.values()
    assert run["fields"]["clip"] == {"mode": "norm", "max_norm": 0.5}
    for point, expected in zip(run["points"].values(), reference["readings"]):
        assert point["grad_norm"] == pytest.approx(expected["grad_norm"], rel=tolerance)
        assert point["loss"] == pytest.approx(expected["loss"], rel=1e-5)


def test_megatrons_own_norm_is_recorded_where_it_can_be_installed(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [os.environ.get("MEGATRON_FOLDER", ""), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    module = "megatron.core.optimizer.optimizer"
    imported = subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, check=False)
    if imported.returncode != 0:
        pytest.skip("Megatron-Core cannot be imported here")
    reference = train(["with_megatron.py"], server, tmp_path)
    assert reference["weights"] == train(["with_megatron.py"], None, tmp_path)["weights"]
    [run] = server.runs.values()
    assert run["fields"]["clip"] == {"mode": "norm", "max_norm": 0.5}
    norms = [point["grad_norm"] for point in run["points"].values()]
    assert norms == [pytest.approx(expected["grad_norm"], rel=2e-5) for expected in reference["readings"]]


def test_the_trainers_accumulated_loss_is_its_own(server: FakeServer, tmp_path: Path) -> None:
    reference = train(["hf_trainer.py", "2"], server, tmp_path)
    [run] = server.runs.values()
    norms = [point["grad_norm"] for point in run["points"].values()]
    assert norms == [pytest.approx(expected["grad_norm"], rel=2e-5) for expected in reference["readings"]]
    losses = [point["loss"] for point in run["points"].values()]
    assert losses == [pytest.approx(expected["loss"], rel=1e-3) for expected in reference["readings"]]


def test_autolog_from_inside_does_the_same_and_comes_off_again(server: FakeServer, tmp_path: Path) -> None:
    program = """
import torch
before = (torch.autograd.backward, torch.nn.utils.clip_grad_norm_, torch.amp.GradScaler.step)
import normwatch
normwatch.autolog(project="inside")
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
def step():
    optimizer.zero_grad()
    model(torch.ones(2, 4)).sum().backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
for _ in range(3):
    step()
normwatch.autolog(False)
assert before == (torch.autograd.backward, torch.nn.utils.clip_grad_norm_, torch.amp.GradScaler.step)
step()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) <= 2, done.stderr
    [run] = server.runs.values()
    assert [point["grad_norm"] for point in run["points"].values()] == [pytest.approx(20**0.5)] * 3
    assert run["fields"]["clip"] == {"mode": "norm", "max_norm": 1.0}


def test_what_is_logged_by_hand_wins_and_is_one_run(server: FakeServer, tmp_path: Path) -> None:
    program = """
import normwatch, torch
normwatch.autolog()
run = normwatch.init(id="hand", project="hand")
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(3):
    optimizer.zero_grad()
    model(torch.ones(2, 4)).sum().backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    run.log(loss=42.0, accuracy=0.5)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr
    assert list(server.runs) == ["hand"]
    points = list(server.points("hand").values())
    assert [(point["loss"], point["accuracy"], point["lr"]) for point in points] == [(42.0, 0.5, 0.1)] * 3
    assert [point["grad_norm"] for point in points] == [pytest.approx(20**0.5)] * 3


def test_trainings_one_after_the_other_are_runs_of_their_own(server: FakeServer, tmp_path: Path) -> None:
    program = """
import normwatch, torch
normwatch.autolog()
kept = []
for trial in range(3):
    with normwatch.init(id=f"trial-{trial}"):
        model = torch.nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        kept.append(optimizer)
        for step in range(3):
            optimizer.zero_grad()
            model(torch.ones(2, 4)).sum().backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr
    for trial in range(3):
        points = server.points(f"trial-{trial}").values()
        assert [point["grad_norm"] for point in points] == [pytest.approx(20**0.5)] * 3
        assert {name for point in points for name in point} == {"grad_norm", "loss", "lr"}


def test_gradients_clipped_twice_have_the_norm_of_before_and_an_optimizer_needs_no_lr(
    server: FakeServer, tmp_path: Path
) -> None:
    program = """
import normwatch, torch

class Plain(torch.optim.Optimizer):
    def __init__(self, parameters):
        super().__init__(parameters, {})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter -= 0.1 * parameter.grad

normwatch.autolog()
model = torch.nn.Linear(4, 1)
optimizer = Plain(model.parameters())
for step in range(3):
    optimizer.zero_grad(set_to_none=step != 1)
    model(torch.ones(2, 4)).sum().backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr
    [run] = server.runs.values()
    assert [point["grad_norm"] for point in run["points"].values()] == [pytest.approx(20**0.5)] * 3
    assert all("loss" in point for point in run["points"].values())
    assert "could not be watched" not in done.stderr


def test_the_fast_path_of_usual_steps_records_what_the_slow_path_records(server: FakeServer, tmp_path: Path) -> None:
    seeds = [str(seed) for seed in range(6)]
    command = [sys.executable, str(PROGRAMS / "varied.py"), *seeds]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr
    assert "could not be watched" not in done.stderr
    assert int(done.stdout.split()[-1]) > 100, "hardly any step took the fast path"
    for seed in seeds:
        fast, slow = server.runs[f"fast-{seed}"], server.runs[f"slow-{seed}"]
        assert len(fast["points"]) > 40
        assert list(fast["points"]) == list(slow["points"])
        for point, other in zip(fast["points"].values(), slow["points"].values()):
            # a norm that is measured here is summed in another order
            assert {**point, "time": 0} == pytest.approx({**other, "time": 0}, rel=1e-6)
        marks = [[(event["step"], event["label"]) for event in run.get("events", ())] for run in (fast, slow)]
        assert marks[0] == marks[1]


def test_checkpoints_and_changes_of_the_cap_or_the_groups_are_events(server: FakeServer, tmp_path: Path) -> None:
    program = f"""
import normwatch, torch
normwatch.autolog()
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD([model.weight], lr=0.1)
torch.save(model.state_dict(), {str(tmp_path / "before.pt")!r})
for step in range(12):
    if step == 4:
        optimizer.add_param_group({{"params": [model.bias]}})
    optimizer.zero_grad()
    model(torch.ones(2, 4)).sum().backward()
    torch.nn.utils.clip_grad_norm_([model.weight], 0.5 if 6 <= step < 9 else 1.0)
    optimizer.step()
    if step == 7:
        torch.save(model.state_dict(), {str(tmp_path / "step-7.pt")!r})
        with open({str(tmp_path / "open.pt")!r}, "wb") as file:
            torch.save(model.state_dict(), file)
assert torch.load({str(tmp_path / "step-7.pt")!r})["weight"].shape == (1, 4)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr
    [run] = server.runs.values()
    assert [(event["step"], event["label"], event.get("text")) for event in run["events"]] == [
        (4, "lr group changed", "parameter groups: 1 → 2"),
        (6, "cap changed", "max_norm: 1 → 0.5"),
        (7, "checkpoint", "step-7.pt"),
        (7, "checkpoint", "step-7.pt, open.pt"),
        (9, "cap changed", "max_norm: 0.5 → 1"),
    ]


@pytest.mark.parametrize(("ending", "code", "status"), [("", 0, "finished"), ("raise ValueError", 1, "failed")])
def test_the_command_keeps_its_exit_code_and_the_run_gets_its_end(
    ending: str, code: int, status: str, server: FakeServer, tmp_path: Path
) -> None:
    script = tmp_path / "train.py"
    script.write_text((PROGRAMS / "plain.py").read_text() + ending + "\n")
    command = [sys.executable, "-m", "normwatch", "run", "--", sys.executable, str(script), "--hub-token", "hf_abc"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROGRAMS), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == code, done.stderr
    [run] = server.runs.values()
    assert run["status"] == status
    assert "hf_abc" not in json.dumps(run)


def test_a_process_without_torch_is_left_alone(server: FakeServer, tmp_path: Path) -> None:
    others = tmp_path / "others"
    others.mkdir()
    (others / "sitecustomize.py").write_text("print('the other sitecustomize')\n")
    program = "import sys; print(sorted(sys.modules))"
    command = [sys.executable, "-m", "normwatch", "run", "--", sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(others), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=True)
    assert done.stderr == ""
    assert done.stdout.startswith("the other sitecustomize\n")
    assert "'normwatch'" not in done.stdout
    assert server.runs == {}


def test_a_command_that_is_not_there_is_said_as_a_shell_says_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "normwatch", "run", "--", "no-such-program"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (127, "normwatch run: no-such-program: command not found\n")
