"""A config of any kind arrives value by value. If it is too large, it is cut, and the rest arrives."""

from __future__ import annotations

import argparse
import dataclasses
import enum
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import pytest
import torch
from fake_server import FakeServer

from normwatch.config import MAX_BYTES, read_config


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Inner:
    lr: float = 0.1
    path: Path = Path("x")


@dataclasses.dataclass
class Settings:
    inner: Inner
    steps: int = 3


class Model:
    """A config like those of transformers."""

    def to_dict(self) -> dict[str, Any]:
        return {"width": 4}


class Size(NamedTuple):
    width: int
    item: int


class Half(dict[str, int]):
    """A dictionary of which one value cannot be read."""

    def __getitem__(self, name: str) -> int:
        return 1 / 0 if name == "bad" else super().__getitem__(name)


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("boom")


class Items:
    """A sequence that must not be read to its end, like a data set."""

    def __len__(self) -> int:
        return 10**9

    def __getitem__(self, index: int) -> int:
        assert index < 10_000, "read to its end"
        return index


Sequence.register(Items)


def cyclic() -> dict[str, Any]:
    config: dict[str, Any] = {"lr": 0.1}
    config |= {"me": config, "list": [config]}
    return config


def shared() -> Any:
    """60 dictionaries, in which 2 ** 60 paths lead to a value."""
    config: Any = {"lr": 0.1}
    for _ in range(60):
        config = {"left": config, "right": config}
    return config


CONFIGS: dict[str, tuple[Any, dict[str, Any]]] = {
    "a dictionary": ({"lr": 0.1, "betas": (0.9, 0.99)}, {"lr": 0.1, "betas": [0.9, 0.99]}),
    "a namespace within": ({"model": argparse.Namespace(width=4)}, {"model": {"width": 4}}),
    "a dictionary that contains itself twice": (
        {"inner": cyclic(), "ok": 1},
        {
            "inner": {"lr": 0.1, "me": "<dict that contains itself>", "list": ["<dict that contains itself>"]},
            "ok": 1,
        },
    ),
    "a name without a text": ({Broken(): 1, "ok": 1}, {"<Broken>": 1, "ok": 1}),
    "a part that is used twice": ({"a": [shared_part := {"lr": 1}], "b": [shared_part] * 2}, {"b": [{"lr": 1}] * 2}),
    "a long sequence": ({"a": Items(), "b": [1]}, {"a": [*range(1024), "… 999998976 more"], "b": [1]}),
    "argparse": (argparse.Namespace(lr=0.1, name="x"), {"lr": 0.1, "name": "x"}),
    "a dataclass": (Settings(Inner()), {"inner": {"lr": 0.1, "path": "x"}, "steps": 3}),
    "a named tuple": ({"size": Size(4, 2)}, {"size": {"width": 4, "item": 2}}),
    "a value that cannot be read": (Half(bad=0, ok=1), {"bad": "<Half: ZeroDivisionError>", "ok": 1}),
    "a model": (Model(), {"width": 4}),
    "a model within": ({"model": Model()}, {"model": {"width": 4}}),
    "each value for itself": (
        {"data": {"path": Path("d"), "lr": 0.5, "nan": math.nan, "broken": Broken(), "ok": True, "none": None}},
        {
            "data": {
                "path": "d",
                "lr": 0.5,
                "nan": "NaN",
                "broken": "<Broken: RuntimeError>",
                "ok": True,
                "none": None,
            }
        },
    ),
    "numbers of NumPy and torch": (
        {"a": numpy.float32(0.5), "b": numpy.int64(3), "c": torch.tensor(2.0), "d": numpy.bool_(True)},
        {"a": 0.5, "b": 3, "c": 2.0, "d": True},
    ),
    "arrays": ({"a": numpy.zeros((2, 3))}, {"a": "<ndarray of shape (2, 3)>"}),
    "kinds and functions": (
        {"optimizer": torch.optim.SGD, "activation": torch.relu, "color": Color.RED, "set": {2, 1}},
        {"optimizer": "torch.optim.sgd.SGD", "color": "red", "set": [1, 2]},
    ),
    "an infinite number and a huge one": ({"a": -math.inf, "b": 10**30}, {"a": "-Infinity", "b": str(10**30)}),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_arrives_value_by_value(start: Any, server: FakeServer, name: str) -> None:
    config, expected = CONFIGS[name]
    start(id="r", config=config).finish()
    got = server.runs["r"]["fields"]["config"]
    assert {key: got[key] for key in expected} == expected


def test_a_class_of_attrs_without_a_dictionary_is_read(start: Any, server: FakeServer) -> None:
    attr = pytest.importorskip("attr")
    made = attr.make_class("Optimizer", {"lr": attr.ib(default=0.1), "path": attr.ib(default=Path("x"))}, slots=True)
    start(id="r", config={"optimizer": made()}).finish()
    assert server.runs["r"]["fields"]["config"] == {"optimizer": {"lr": 0.1, "path": "x"}}


@pytest.mark.parametrize(
    "config",
    [
        {f"key{i}": i for i in range(600)},
        {"small": 1, "large": ["x" * 4000] * 100, "also": 2},
        {"small": 1, "shared": shared(), "also": 2},
    ],
    ids=["too many keys", "too large", "too large because of shared parts"],
)
def test_a_config_that_is_too_large_is_cut_with_a_note(
    start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture, config: dict[str, Any]
) -> None:
    run = start(id="r", config=config)
    run.log(loss=1.0)
    assert run.finish().sent == 1
    got = server.runs["r"]["fields"]["config"]
    assert len(json.dumps(got)) <= MAX_BYTES
    assert 0 < len(got) < len(config)
    assert "config is cut to 512 keys and 64 KiB" in caplog.text


def test_a_config_that_is_too_deep_is_text_from_there_on() -> None:
    config: Any = "bottom"
    for _ in range(1000):
        config = {"down": config}
    made = read_config(config, lambda *_: None)
    levels = 0
    while isinstance(made, dict):
        made = made["down"]
        levels += 1
    assert levels == 32


def test_a_config_may_be_changed_while_the_run_goes_on(start: Any, server: FakeServer) -> None:
    run = start(id="r", config={"lr": 0.1})
    run.config.update(argparse.Namespace(batch=8), seed=1)
    run.config["lr"] = 0.2
    assert dict(run.config) == {"lr": 0.2, "batch": 8, "seed": 1}
    run.finish()
    assert server.runs["r"]["fields"]["config"] == {"lr": 0.2, "batch": 8, "seed": 1}
