"""The config of a pydantic model arrives field by field, and its secrets do not leave in clear."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import pydantic
import pydantic.dataclasses
import pydantic.v1
import pytest
from fake_server import FakeServer

import normwatch
from normwatch.config import read_config

SECRET = "hunter2"
HIDDEN = "**********"


class Optimizer(pydantic.BaseModel):
    lr: float = pydantic.Field(0.1, alias="learning_rate")
    betas: tuple[float, float] = (0.9, 0.99)


class Settings(pydantic.BaseModel):
    optimizer: Optimizer = Optimizer()
    layers: list[Optimizer] = [Optimizer(learning_rate=0.5)]
    key: pydantic.SecretStr = pydantic.SecretStr(SECRET)
    item: int = 3
    _seen: int = 0

    @pydantic.computed_field
    @property
    def total(self) -> int:
        return 7


class Revealing(pydantic.BaseModel):
    """Its own serializers show the secrets, as a program needs them in a file of its own."""

    key: pydantic.SecretStr = pydantic.SecretStr(SECRET)
    pin: pydantic.Secret[int] = pydantic.Secret[int](1234)
    raw: pydantic.SecretBytes = pydantic.SecretBytes(SECRET.encode())

    @pydantic.field_serializer("key", "raw", "pin")
    def _reveal(self, secret: Any) -> Any:
        return secret.get_secret_value()


class Failing(pydantic.BaseModel):
    lr: float = 0.1

    @pydantic.computed_field
    @property
    def boom(self) -> int:
        raise RuntimeError(SECRET)

    @pydantic.model_serializer
    def _fail(self) -> dict[str, Any]:
        raise RuntimeError(SECRET)


class Partial(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    lr: float = 0.1
    internal: str = pydantic.Field("x", exclude=True)


class Circle(pydantic.BaseModel):
    me: Any = None
    lr: float = 0.1


class Names(pydantic.RootModel[dict[str, float]]):
    pass


class Numbers(pydantic.RootModel[list[int]]):
    pass


@pydantic.dataclasses.dataclass
class Decorated:
    lr: float = 0.1
    key: pydantic.SecretStr = dataclasses.field(default_factory=lambda: pydantic.SecretStr(SECRET))
    optimizer: Optimizer = dataclasses.field(default_factory=Optimizer)


class Old(pydantic.v1.BaseModel):
    lr: float = 0.1
    key: pydantic.v1.SecretStr = pydantic.v1.SecretStr(SECRET)
    internal: str = pydantic.v1.Field("x", exclude=True)


def circle() -> Circle:
    made = Circle()
    made.me = made
    return made


OPTIMIZER = {"lr": 0.1, "betas": [0.9, 0.99]}
CONFIGS: dict[str, tuple[Any, dict[str, Any]]] = {
    "nested models": (
        Settings(),
        {"optimizer": OPTIMIZER, "layers": [{**OPTIMIZER, "lr": 0.5}], "key": HIDDEN, "item": 3, "total": 7},
    ),
    "a model within a dictionary": ({"optimizer": Optimizer(), "ok": 1}, {"optimizer": OPTIMIZER, "ok": 1}),
    "a model whose serializers show its secrets": (
        Revealing(),
        {"key": HIDDEN, "pin": HIDDEN, "raw": f"b'{HIDDEN}'"},
    ),
    "a model that raises": (Failing(), {"lr": 0.1, "boom": "<Failing: RuntimeError>"}),
    "a model within that raises": (
        {"a": Failing(), "b": 1},
        {"a": {"lr": 0.1, "boom": "<Failing: RuntimeError>"}, "b": 1},
    ),
    "fields that are added and left out": (Partial(width=4), {"lr": 0.1, "width": 4}),
    "a model that contains itself": ({"c": circle()}, {"c": {"me": "<Circle that contains itself>", "lr": 0.1}}),
    "a root model of a dictionary": (Names({"a": 1.5}), {"a": 1.5}),
    "a root model of a list": ({"numbers": Numbers([1, 2])}, {"numbers": [1, 2]}),
    "a dataclass of pydantic": (Decorated(), {"lr": 0.1, "key": HIDDEN, "optimizer": OPTIMIZER}),
    "a model of the first edition": (Old(), {"lr": 0.1, "key": HIDDEN}),
    "a model of the first edition within": ({"old": Old()}, {"old": {"lr": 0.1, "key": HIDDEN}}),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_model_arrives_field_by_field(server: FakeServer, name: str) -> None:
    config, expected = CONFIGS[name]
    normwatch.init(id="r", config=config).finish()
    assert server.runs["r"]["fields"]["config"] == expected
    assert SECRET not in str(server.requests)


def test_reading_a_model_with_values_of_other_types_warns_of_nothing() -> None:
    model = Settings.model_construct(optimizer="adam", item="three")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        config = read_config(model, lambda *_: None)
    assert config is not None
    assert (config["optimizer"], config["item"], config["key"]) == ("adam", "three", HIDDEN)


def test_a_class_of_models_is_no_config_and_the_run_goes_on(
    server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    run = normwatch.init(id="r", config=Settings)
    run.log(loss=1.0)
    assert run.finish().sent == 1
    assert "config must be a mapping" in caplog.text
