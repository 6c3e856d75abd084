"""Fixtures shared by both SDKs, on which they must agree."""

from __future__ import annotations

import json
import math
import os
import struct
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fake_server import Answer, FakeServer, Request

from normwatch.batcher import Batcher, batches, encode_points
from normwatch.error_reply import read_error_code
from normwatch.names import Names
from normwatch.notices import Notices
from normwatch.numbers import decode_number, encode_column, encode_number
from normwatch.retry import Reply, decide, read_retry_after
from normwatch.run import Run
from normwatch.sync import sync

FIXTURES = Path(__file__).resolve().parents[2] / "protocol" / "fixtures"
numbers, batch_cases, retry, spool_cases = (
    json.loads((FIXTURES / f"{name}.json").read_text()) for name in ("numbers", "batches", "retry", "spool")
)


def name_of(case: dict[str, Any]) -> str:
    return str(case["name"])


@pytest.mark.parametrize("case", numbers["encode"], ids=name_of)
def test_a_number_travels_as_the_contract_says(case: dict[str, Any]) -> None:
    (value,) = struct.unpack(">d", bytes.fromhex(case["float64"]))
    assert encode_number(value) == case["wire"]
    assert json.loads(encode_column([value])) == [case["wire"]]
    decoded = decode_number(case["wire"])
    assert decoded is not None
    assert decoded == value or (math.isnan(decoded) and math.isnan(value))


@pytest.mark.parametrize("value", numbers["refused"], ids=repr)
def test_what_is_no_number_is_not_repaired(value: Any) -> None:
    assert decode_number(value) is None


class RecordingNotices(Notices):
    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []

    def wrong_use(self, argument: str, message: str, kind: str | None = None) -> None:
        self.refused.append(argument)


@pytest.mark.parametrize("case", batch_cases["cases"], ids=name_of)
def test_calls_become_the_columns_of_the_contract(case: dict[str, Any]) -> None:
    clock = [0.0]
    notices = RecordingNotices()
    batcher = Batcher(case.get("from_step", 0))
    nobody: Any = object()  # nothing is sent: the test looks at what a sender would take
    run = Run("case", "", notices, Names(), batcher, nobody, clock=lambda: clock[0])
    for call in case["calls"]:
        clock[0] = call["clock"]
        run.log(**{key: plain(value) for key, value in call["readings"].items()})
    made = list(batches(batcher.take()))
    assert [json.loads(encode_points(columns))["columns"] for columns in made] == [case["columns"]]
    assert notices.refused == case["refused"]


def plain(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"float"}:
        return float(value["float"])
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return value


@pytest.mark.parametrize("case", retry["decisions"], ids=lambda case: f"{case['outcome']} {case['attempt']}")
def test_a_request_is_followed_by_the_decision_of_the_contract(case: dict[str, Any]) -> None:
    outcome = case["outcome"]
    asked = outcome.get("retry_after_ms")
    reply = Reply(
        outcome.get("status"),
        outcome.get("readable", False),
        code=outcome.get("code"),
        retry_after=None if asked is None else asked / 1000,
    )
    decision = decide(reply, case["attempt"], case["points"])
    assert decision.action == case["action"]
    if "delay_ms" in case:
        assert [seconds * 1000 for seconds in decision.delay] == case["delay_ms"]


@pytest.mark.parametrize("case", retry["error_replies"], ids=name_of)
def test_only_an_error_in_the_form_of_normwatch_is_a_refusal(case: dict[str, Any]) -> None:
    assert read_error_code(case["body"]) == case["code"]


@pytest.mark.parametrize("case", retry["retry_after"], ids=lambda case: repr(case["header"]))
def test_retry_after_is_read_as_the_contract_says(case: dict[str, Any]) -> None:
    now = datetime.fromisoformat(case["now"].replace("Z", "+00:00")).timestamp()
    seconds = read_retry_after(case["header"], now)
    assert (None if seconds is None else seconds * 1000) == case["ms"]


@pytest.mark.parametrize("case", spool_cases["cases"], ids=name_of)
def test_a_spool_file_is_sent_as_the_contract_says(case: dict[str, Any], spool: Path, server: FakeServer) -> None:
    spool.mkdir()
    head = case["file"][0]
    lines = "".join(json.dumps(line) + "\n" for line in case["file"])
    path = spool / f"{head['run']}.abc.ndjson"
    path.write_text(lines + case["torn_tail"])
    if case["server_knows_run"]:
        server.answer(Request("PUT", f"/api/v1/runs/{head['run']}", {}, {}))
        server.requests.clear()
    answers: list[int] = []

    def record(request: Request) -> Answer:
        answer = server.behave(request)
        answers.append(answer.status)
        return answer

    server.misbehave = record
    assert sync(server.url, spool_dir=spool).files_left == [path], "its writer, on another machine, may be alive"
    os.utime(path, (0, 0))
    report = sync(server.url, spool_dir=spool)
    made = [
        {"method": request.method, "path": request.path, "body": request.body, "answer": status}
        for request, status in zip(server.requests, answers)
    ]
    assert made == case["requests"]
    assert (report.files_left, list(spool.iterdir())) == ([], [])
