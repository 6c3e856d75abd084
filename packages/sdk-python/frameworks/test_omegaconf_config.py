"""The config of an OmegaConf arrives value by value, with its references followed where they can be."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

import pytest
from fake_server import FakeServer
from omegaconf import II, MISSING, DictConfig, OmegaConf

import normwatch


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Optimizer:
    lr: float = MISSING
    color: Color = Color.RED


@dataclasses.dataclass
class Settings:
    optimizer: Optimizer = dataclasses.field(default_factory=Optimizer)
    layers: dict[int, Optimizer] = dataclasses.field(default_factory=lambda: {3: Optimizer(0.5)})
    width: int = MISSING
    height: int = II("width")
    depth: int = 2
    twice: int = II("depth")


def fail() -> None:
    raise RuntimeError("boom")


CONFIGS: dict[str, tuple[Any, dict[str, Any]]] = {
    "references": (
        OmegaConf.create({"lr": 0.1, "also": "${lr}", "in": {"list": [1, "${lr}", "${..up}"], "up": 2}}),
        {"lr": 0.1, "also": 0.1, "in": {"list": [1, 0.1, 2], "up": 2}},
    ),
    "a missing value": (
        OmegaConf.create({"lr": 0.1, "also": "${lr}", "data": {"path": "???", "also": "${.path}", "lr": "${lr}"}}),
        {"lr": 0.1, "also": 0.1, "data": {"path": "???", "also": "${.path}", "lr": 0.1}},
    ),
    "references that lead nowhere": (
        OmegaConf.create({"lr": 0.1, "a": "${nothing}", "b": "${nobody:1}", "c": "${fail:}", "d": "${lr}"}),
        {"lr": 0.1, "a": "${nothing}", "b": "${nobody:1}", "c": "${fail:}", "d": 0.1},
    ),
    "references that lead to each other": (
        OmegaConf.create({"a": "${b}", "b": "${a}", "lr": 0.1}),
        {"a": "${b}", "b": "${a}", "lr": 0.1},
    ),
    "a structured config": (
        OmegaConf.structured(Settings),
        {
            "optimizer": {"lr": "???", "color": "red"},
            "layers": {"3": {"lr": 0.5, "color": "red"}},
            "width": "???",
            "height": "${width}",
            "depth": 2,
            "twice": 2,
        },
    ),
    "a structured config within": (
        {"model": OmegaConf.structured(Optimizer), "list": OmegaConf.create([1, "???"]), "ok": 1},
        {"model": {"lr": "???", "color": "red"}, "list": [1, "???"], "ok": 1},
    ),
    "a node of a larger config": (OmegaConf.create({"lr": 0.1, "in": {"lr": "${lr}"}})["in"], {"lr": 0.1}),
    "a config that is nothing": ({"model": DictConfig(None), "ok": 1}, {"model": None, "ok": 1}),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_arrives_value_by_value(server: FakeServer, name: str) -> None:
    OmegaConf.register_new_resolver("fail", fail, replace=True)
    config, expected = CONFIGS[name]
    normwatch.init(id="r", config=config).finish()
    assert server.runs["r"]["fields"]["config"] == expected


@pytest.mark.parametrize("config", [DictConfig(None), OmegaConf.create([1, 2])], ids=["nothing", "a list"])
def test_what_is_no_config_is_said_in_one_sentence(
    server: FakeServer, caplog: pytest.LogCaptureFixture, config: Any
) -> None:
    run = normwatch.init(id="r", config=config)
    run.log(loss=1.0)
    assert run.finish().sent == 1
    [said] = [record.message for record in caplog.records]
    assert said.startswith("config must be a mapping")
