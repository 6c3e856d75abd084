"""The clip functions change gradients exactly like torch's, bit for bit, and record the values that torch computed."""

from __future__ import annotations

import itertools
import math
import warnings
from inspect import signature
from typing import Any, Callable

import pytest
import torch
from fake_server import FakeServer

import normwatch
from normwatch.batcher import Batcher, Block
from normwatch.names import Names
from normwatch.notices import Notices
from normwatch.readings import Deferred, LayerNorms, read_in_bulk
from normwatch.resolver import Resolver

HAS_FOREACH = "foreach" in signature(torch.nn.utils.clip_grad_norm_).parameters
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
FOREACH: list[bool | None] = [None, True, False] if HAS_FOREACH else [None]


def gradients(kind: str, dtype: torch.dtype, seed: int) -> list[Any]:
    """Parameters with these gradients. None stands for a parameter without a gradient."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [(7,), (3, 5), (), (1,), (2, 3, 4)]
    dense = [(torch.randn(shape, generator=generator) * 3).to(dtype) for shape in shapes]
    if kind == "no gradient":
        return [None, None]
    if kind == "no parameter":
        return []
    if kind == "one":
        return dense[:1]
    if kind == "some without":
        return [None, *dense[:2], None, dense[4]]
    if kind == "two types":
        return [dense[0], dense[1].double(), dense[4], dense[2].double()]
    if kind == "zeros":
        return [torch.zeros_like(tensor) for tensor in dense]
    if kind == "sparse":
        return [dense[0], dense[1].to_sparse()]
    if kind in ("nan", "inf"):
        dense[1][0, 0] = math.nan if kind == "nan" else math.inf
    return dense


KINDS = ["dense", "no gradient", "no parameter", "one", "some without", "two types", "zeros", "sparse", "nan", "inf"]
SHAPES: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "generator": lambda parameters: (parameter for parameter in parameters),
    "tensor": lambda parameters: parameters[0],
    "named": lambda parameters: ((f"layer.{i}.weight", parameter) for i, parameter in enumerate(parameters)),
}


def parameters_with(given: list[Any]) -> list[Any]:
    parameters = []
    for gradient in given:
        parameter = torch.zeros(3) if gradient is None else torch.zeros_like(gradient.to_dense())
        parameter.requires_grad_()
        parameter.grad = None if gradient is None else gradient.clone()
        parameters.append(parameter)
    return parameters


def bits(value: Any) -> Any:
    """A value that is equal exactly if the bits are equal. All NaNs count as equal."""
    if not isinstance(value, torch.Tensor):
        return value
    dense = value.detach().to_dense()
    return str(value.dtype), value.is_sparse, tuple(dense.shape), repr(dense.double().reshape(-1).tolist())


def outcome(clip: Callable[..., Any], parameters: list[Any], given: Any, *arguments: Any, **named: Any) -> Any:
    """The outcome of a call: its value or error, and all gradients."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = bits(clip(given, *arguments, **named))
        except Exception as error:
            result = (type(error), str(error).split("\n")[0])
    return result, [bits(parameter.grad) for parameter in parameters]


def compare(ours: Any, theirs: Any, given: list[Any], shape: str, *arguments: Any, **named: Any) -> None:
    if shape == "tensor" and not given:
        return
    mine, reference = parameters_with(given), parameters_with(given)
    # torch's own function does not accept names
    plain = SHAPES["list" if shape == "named" else shape](reference)
    assert outcome(ours, mine, SHAPES[shape](mine), *arguments, **named) == outcome(
        theirs, reference, plain, *arguments, **named
    )


@pytest.fixture(params=["with a run", "without a run"])
def maybe_run(request: pytest.FixtureRequest, start: Any) -> Any:
    return start(mode="offline") if request.param == "with a run" else None


@pytest.mark.parametrize("norm_type", [2.0, 1.0, math.inf, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_clip_grad_norm_is_torchs_bit_for_bit(maybe_run: Any, kind: str, norm_type: float) -> None:
    cases = itertools.product(DTYPES, SHAPES, [0.5, math.inf], [False, True], FOREACH)
    for seed, (dtype, shape, max_norm, error_if_nonfinite, foreach) in enumerate(cases):
        named = {} if foreach is None else {"foreach": foreach}
        arguments = (max_norm, norm_type, error_if_nonfinite)
        given = gradients(kind, dtype, seed)
        compare(normwatch.clip_grad_norm_, torch.nn.utils.clip_grad_norm_, given, shape, *arguments, **named)


@pytest.mark.parametrize("kind", KINDS)
def test_clip_grad_value_is_torchs_bit_for_bit(maybe_run: Any, kind: str) -> None:
    for seed, (dtype, shape, value, foreach) in enumerate(itertools.product(DTYPES, SHAPES, [0.5, 100.0], FOREACH)):
        named = {} if foreach is None else {"foreach": foreach}
        given = gradients(kind, dtype, seed)
        compare(normwatch.clip_grad_value_, torch.nn.utils.clip_grad_value_, given, shape, value, **named)


@pytest.mark.parametrize("norm_type", [2.0, 1.0, math.inf])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "sparse"])
def test_grad_norm_is_the_norm_of_the_clip_call_and_changes_nothing(start: Any, kind: str, norm_type: float) -> None:
    start(mode="offline")
    # not half: torch 1.13 cannot clip it on a CPU
    for dtype, seed in itertools.product([torch.float32, torch.float64, torch.bfloat16], range(3)):
        given = gradients(kind, dtype, seed)
        mine, reference = parameters_with(given), parameters_with(given)
        before = [bits(parameter.grad) for parameter in mine]
        norm = normwatch.grad_norm(mine, norm_type)
        assert [bits(parameter.grad) for parameter in mine] == before
        assert bits(norm) == bits(torch.nn.utils.clip_grad_norm_(reference, 1.0, norm_type))


def model_after_backward(seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    model(torch.randn(16, 4)).square().mean().backward()
    return model


def test_a_clip_call_and_log_make_one_step(start: Any, server: FakeServer) -> None:
    run = start(id="r")
    model = model_after_backward()
    norm = normwatch.clip_grad_norm_(model.parameters(), max_norm=0.1)
    run.log(loss=2.0)
    run.log(loss=3.0)
    run.finish()
    assert server.points("r") == {0: {"grad_norm": pytest.approx(norm.item()), "loss": 2}, 1: {"loss": 3}}
    # the clip rule was not given to init: the call declares it
    assert server.runs["r"]["fields"]["clip"] == {"mode": "norm", "max_norm": 0.1}


def test_a_cap_that_changes_is_recorded_with_its_step(start: Any, server: FakeServer) -> None:
    run = start(id="r", max_norm=1.0)
    for cap in (1.0, 0.5, torch.tensor(0.25), math.inf):
        normwatch.clip_grad_norm_(model_after_backward().parameters(), cap)
        run.log()
    run.finish()
    assert [point.get("max_norm") for point in server.points("r").values()] == [None, 0.5, 0.25, "Infinity"]


@pytest.mark.parametrize("norm_type", [2.0, 1.0, math.inf])
def test_named_parameters_give_the_norm_of_each_layer(start: Any, server: FakeServer, norm_type: float) -> None:
    run = start(id="r")
    model = model_after_backward()
    prefix = {2.0: "", 1.0: "l1.", math.inf: "linf."}[norm_type]
    expected = {
        f"layers/{prefix}{name}": torch.cat([p.grad.reshape(-1) for p in layer.parameters()]).norm(norm_type).item()
        for name, layer in (("0", model[0]), ("2", model[2]))
    }
    normwatch.clip_grad_norm_(model.named_parameters(), 0.01, norm_type)
    run.log()
    normwatch.grad_norm(model_after_backward().named_parameters(), norm_type)
    run.log()
    run.finish()
    for point in server.points("r").values():
        assert {name: point[name] for name in expected} == pytest.approx(expected, rel=1e-5)


def test_a_layer_whose_name_is_too_long_costs_itself_only(start: Any, server: FakeServer) -> None:
    run = start(id="r")
    named = list(zip(("a.weight", "x" * 200 + ".weight"), parameters_with([torch.ones(1), torch.ones(2)])))
    normwatch.clip_grad_norm_(named, 9.0)
    run.log()
    run.finish()
    assert server.points("r") == {0: {"grad_norm": pytest.approx(1.7320508), "layers/a": 1}}


@pytest.mark.skipif(not hasattr(torch.nn.utils, "clip_grads_with_norm_"), reason="torch before 2.6")
def test_layers_cost_torchs_own_pass_only(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    start(mode="offline")

    def never(*_: Any) -> None:
        raise AssertionError("a pass of its own")

    monkeypatch.setattr("normwatch.parameters.Given.norms", never)
    normwatch.clip_grad_norm_(model_after_backward().named_parameters(), 1.0)


def test_clipping_by_value_records_what_was_there_before(start: Any, server: FakeServer) -> None:
    run = start(id="r")
    parameters = parameters_with([torch.tensor([3.0, -4.0, 0.5, 0.0]), torch.tensor([[12.0]])])
    normwatch.clip_grad_value_(parameters, 1.0)
    run.log()
    run.finish()
    assert server.points("r") == {0: {"grad_norm": pytest.approx(13.00961), "max_abs_grad": 12, "clip_fraction": 0.6}}
    assert server.runs["r"]["fields"]["clip"] == {"mode": "value", "clip_value": 1.0}


def test_two_clip_calls_in_a_step_are_a_warning(start: Any, caplog: pytest.LogCaptureFixture) -> None:
    start()
    model = model_after_backward()
    for _ in range(2):
        normwatch.clip_grad_norm_(model.parameters(), 1.0)
    assert "clipped twice" in caplog.records[0].message


def test_only_torchs_own_errors_leave_a_clip_call(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = start()

    def broken(*_: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(run.noted, "clip", broken)
    monkeypatch.setattr(run.noted, "norm", broken)
    model = model_after_backward()
    assert normwatch.clip_grad_norm_(model.parameters(), 1.0) > 0
    normwatch.clip_grad_value_(model.parameters(), 1.0)
    assert normwatch.grad_norm(model.parameters()) > 0


def test_tensors_that_wait_are_read_in_bulk_and_one_changed_since_is_left_out() -> None:
    warnings_said: list[str] = []
    kept = [Deferred(torch.tensor(float(i))) for i in range(5)]
    kept.append(LayerNorms(["a.w", "a.b", "b.w"], ["a", "a", "b"], torch.tensor([3.0, 4.0, 1.0]), 2.0))
    kept[2].tensor += 1
    read = read_in_bulk(kept, lambda kind, _: warnings_said.append(kind))
    assert read == [[0.0], [1.0], None, [3.0], [4.0], [3.0, 4.0, 1.0]]
    assert warnings_said == ["changed in place"]


def test_rows_with_tensors_become_rows_of_numbers() -> None:
    batcher = Batcher()
    layers = LayerNorms(["a.w", "a.b", "b.w"], ["a", "a", "b"], torch.tensor([3.0, 4.0, 1.0]), 2.0)
    batcher.add(None, 1.0, {"grad_norm": Deferred(torch.tensor(2.0)), "layers": layers}, plain=False)
    batcher.add(None, 2.0, {"loss": 1.0}, plain=True)
    blocks: list[Block] = Resolver(Names(), Notices().warn).resolve(batcher.take())
    assert [(block.names, list(block.flat)) for block in blocks] == [
        (("grad_norm", "layers/a", "layers/b"), [0, 1, 2, 5, 1]),
        (("loss",), [1, 2, 1]),
    ]
