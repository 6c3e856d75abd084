"""Conveniences that users of other trackers expect."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy
import pytest
import torch
from fake_server import FakeServer

import normwatch
from normwatch import lifecycle


def test_readings_may_come_as_one_dictionary(start: Any, server: FakeServer) -> None:
    run = start(id="r", strict=True)
    run.log({"loss": 1.0, "train": {"acc": 0.5}, "layers": {"a": 2.0}})
    run.log({"loss": 2.0}, step=7)
    run.log({"loss": 3.0, "step": 9}, extra=4)
    run.log(11, loss=5.0)
    run.finish()
    assert server.points("r") == {
        0: {"loss": 1, "train/acc": 0.5, "layers/a": 2},
        7: {"loss": 2},
        9: {"loss": 3, "extra": 4},
        11: {"loss": 5},
    }


def test_a_run_says_what_it_is(start: Any) -> None:
    run = start(id="r")
    run.log(loss=1.0)
    assert repr(run) == f"<normwatch run 'r', open, 1 steps logged, {run.url}>"
    run.finish()
    assert "the run is finished" in repr(run)


def test_normwatch_finish_ends_the_current_run(start: Any, server: FakeServer) -> None:
    start(id="r").log(loss=1.0)
    report = normwatch.finish()
    assert report is not None
    assert (report.sent, server.runs["r"]["status"]) == (1, "finished")
    assert normwatch.finish() is None


def test_the_rates_of_all_parameter_groups_are_recorded_once_they_differ(start: Any, server: FakeServer) -> None:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (0.1, 0.1, 0.3)]
    optimizer = torch.optim.SGD(groups)
    run = start(id="r", optimizer=optimizer)
    run.log()
    optimizer.param_groups[1]["lr"] = 0.2
    run.log()
    run.finish()
    assert server.points("r") == {
        0: {"lr": 0.1, "lr/group-2": 0.3},
        1: {"lr": 0.1, "lr/group-1": 0.2, "lr/group-2": 0.3},
    }


def test_several_optimizers_are_named(start: Any, server: FakeServer) -> None:
    parameters = [torch.nn.Parameter(torch.zeros(1))]
    start(id="r", optimizer=[torch.optim.Adam(parameters), torch.optim.SGD(parameters, lr=0.1)]).finish()
    assert server.runs["r"]["fields"]["optimizer"] == "adam, sgd"


def test_a_truth_value_says_whether_a_step_was_skipped(start: Any, server: FakeServer) -> None:
    run = start(id="r", strict=True, max_norm=numpy.float32(1))
    run.log(skipped=True)
    run.log(skipped=False)
    run.log(skipped=numpy.isnan(numpy.float32("nan")))
    run.log(skipped=torch.tensor(1.0).isnan())
    run.part("critic").log(step=0, skipped=True)
    run.finish()
    points = server.points("r")
    assert [point["skipped"] for point in points.values()] == [1, 0, 1, 0]
    assert points[0]["skipped/critic"] == 1
    assert server.runs["r"]["fields"]["clip"] == {"mode": "norm", "max_norm": 1}


def test_four_hundred_metrics_too_many_are_one_warning(
    start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    run = start(id="r")
    run.log(**{f"m{i}": 1.0 for i in range(656)})
    run.finish()
    assert len(server.points("r")[0]) == 256
    assert len(caplog.records) == 1


def test_names_of_parameters_lose_what_wrappers_add(start: Any, server: FakeServer) -> None:
    run = start(id="r")
    model = torch.nn.Linear(2, 1)
    model(torch.ones(1, 2)).backward()
    for wrapped in ("module._orig_mod.encoder.", "_orig_mod.encoder.", "encoder._checkpoint_wrapped_module."):
        named = [(wrapped + name, parameter) for name, parameter in model.named_parameters()]
        normwatch.clip_grad_norm_(named, 9.0)
        run.log()
    run.finish()
    assert all("layers/encoder" in point for point in server.points("r").values())


def test_clipping_by_value_with_names_records_layers(start: Any, server: FakeServer) -> None:
    run = start(id="r")
    model = torch.nn.Linear(2, 1)
    model(torch.ones(1, 2)).backward()
    normwatch.clip_grad_value_([(f"encoder.{name}", one) for name, one in model.named_parameters()], 0.5)
    run.log()
    run.finish()
    point = server.points("r")[0]
    assert point["layers/encoder"] == pytest.approx(point["grad_norm"])


class Shell:
    """The part of IPython's shell that the SDK uses."""

    def __init__(self) -> None:
        self.execution_count = 1
        self.after_cell: Any = None
        self.events = SimpleNamespace(register=self._register)

    def _register(self, event: str, callback: Any) -> None:
        assert event == "post_run_cell"
        self.after_cell = callback


def test_in_a_notebook_a_second_init_ends_the_first_and_a_cell_that_raises_marks_the_run(
    start: Any, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(lifecycle, "_notebook_is_watched", False)
    first = start(id="first")
    beside = start(id="beside")  # in the same cell, like the networks of a GAN
    assert first.is_open
    shell.execution_count = 2
    second = start(id="second")
    assert not first.is_open
    assert not beside.is_open
    shell.after_cell(SimpleNamespace(success=False))
    assert second.is_marked_failed
    second.log(loss=1.0)  # the next cell continues the run
    assert not second.is_marked_failed


def test_an_error_about_a_certificate_names_the_way_out() -> None:
    import ssl

    from normwatch.transport import _hint

    assert "SSL_CERT_FILE" in _hint(ssl.SSLCertVerificationError("self-signed"))
    assert _hint(OSError()) == ""


def test_importing_the_package_imports_no_framework() -> None:
    program = "import sys, normwatch; print([name for name in ('torch', 'jax', 'keras') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
