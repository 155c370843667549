"""Sessions of opencode's own, as ``opencode export`` writes them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ScriptedModel
from tests.tui.driving import on_screen, replay, until

from octui.client.compat import TEMPORARY_VARIABLE
from octui.client.events import Prompt, Text, ToolUse
from octui.client.lenient_json import decode
from octui.errors import RecordingError
from octui.recording.exported import read
from octui.recording.facts import RunState
from octui.recording.session import Session

CAPTURED = Path(__file__).parents[1] / "captures" / "export.json"


def export(*messages: tuple[dict[str, Any], list[dict[str, Any]]]) -> bytes:
    told = [{"info": info, "parts": parts} for info, parts in messages]
    return json.dumps({"info": {"id": "ses_1", "title": "x"}, "messages": told}, indent=2).encode()


def lines(data: bytes) -> list[dict[str, Any]]:
    found = read(data)
    assert found is not None
    return [json.loads(line) for line in found.log.splitlines()]


def test_a_captured_session_opens_with_every_prompt_and_answer() -> None:
    session = Session.open(CAPTURED)
    (run,) = session.run_names
    log = session.log(run)
    assert log.kinds(0, len(log)) == [
        *("prompt", "step_start", "reasoning", "tool_use", "step_finish", "step_start", "text", "step_finish"),
        *("prompt", "step_start", "text", "step_finish"),
    ]
    assert (session.name, session.meta(run).model, session.meta(run).agent) == (
        "Scripted session",
        "scripted/m1",
        "build",
    )
    assert session.status.run(run).state is RunState.SUCCEEDED
    assert isinstance(log.event(0).body, Prompt)
    call = log.event(3).body
    assert isinstance(call, ToolUse)
    assert (call.tool, call.status, call.output.strip()) == ("bash", "completed", "hi")
    assert log.totals.cost > 0
    times = [log.time(index) for index in range(len(log))]
    assert times == sorted(times)
    assert times[-1] - times[0] > 1


def test_nothing_is_left_of_it_in_the_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    session = Session.open(CAPTURED)
    session.refresh()
    assert list(tmp_path.glob("octui-*")) == []
    assert isinstance(session.log("export").event(6).body, Text)


def test_what_an_abort_cut_off_is_told_and_an_abort_is_no_error() -> None:
    aborted = {"id": "m2", "role": "assistant", "error": {"name": "MessageAbortedError", "data": {"message": "x"}}}
    failed = {"id": "m3", "role": "assistant", "error": {"name": "APIError", "data": {"message": "no"}}}
    told = lines(
        export(
            (aborted, [{"id": "p1", "messageID": "m2", "type": "text", "text": "half", "time": {"start": 5}}]),
            (failed, [{"id": "p2", "messageID": "m3", "type": "text", "text": "", "time": {"start": 6}}]),
        )
    )
    assert [(each["type"], each["timestamp"]) for each in told] == [("text", 5), ("error", 6)]
    assert told[1]["error"]["data"]["message"] == "no"


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"info": {}, "messages": []}', b'{"info":' * 9999, b"\xff"])
def test_what_opencode_did_not_export_is_refused(data: bytes, tmp_path: Path) -> None:
    assert read(data) is None
    path = tmp_path / "x.json"
    path.write_bytes(data)
    with pytest.raises(RecordingError, match="no events of opencode") as refused:
        Session.open(path)
    assert "opencode export" in refused.value.hint


def captured(change: Callable[[dict[str, Any]], None]) -> bytes:
    """The captured session with each of its messages changed; half a character is printed as JavaScript does."""
    told = json.loads(CAPTURED.read_bytes())
    for message in told["messages"]:
        change(message)
    return json.dumps(told).encode()


def without_reasons(message: dict[str, Any]) -> None:
    message["info"].pop("finish", None)
    for part in message["parts"]:
        part.pop("reason", None)


def without_counts(message: dict[str, Any]) -> None:
    without_reasons(message)
    for part in message["parts"]:
        if "tokens" in part:
            part["tokens"] = {"total": None, "input": 0.5, "output": None, "cache": None}


def without_steps(message: dict[str, Any]) -> None:
    message["parts"] = [part for part in message["parts"] if not part["type"].startswith("step-")]


def with_halves(message: dict[str, Any]) -> None:
    for part in message["parts"]:
        if part["type"] == "text":
            part["text"] += "\ud83d"


@pytest.mark.parametrize("change", [without_reasons, without_counts, without_steps, with_halves])
def test_an_answer_that_is_complete_counts_as_finished(
    change: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    path = tmp_path / "session.json"
    path.write_bytes(captured(change))
    session, whole = Session.open(path), Session.open(CAPTURED)
    (run,), (before,) = session.run_names, whole.run_names
    assert session.status.run(run).state is RunState.SUCCEEDED
    found, expected = session.log(run).totals, whole.log(before).totals
    assert found.cost == pytest.approx(expected.cost)
    assert found.finished
    assert (found.tool_calls, found.open_step, found.lost_steps) == (expected.tool_calls, False, 0)


def test_what_is_odd_in_an_export_costs_itself() -> None:
    user = ({"id": "m1", "role": "user", "time": None}, [{"type": "text", "text": "Ask \ud83d"}])
    answer: tuple[dict[str, Any], list[Any]] = (
        {"id": "m2", "role": None, "parentID": "m1", "time": {"completed": 9.5}, "cost": 0.5, "error": None},
        [None, 7, {"type": "text", "text": "One."}, {"text": "Two."}, {"type": "tool", "tool": None, "state": None}],
    )
    data = json.loads(export(user, answer))
    data["messages"] += [None, {"info": None, "parts": None}]
    data["info"] = {"title": None}
    data["messages"][0]["info"]["sessionID"] = "ses_1"
    told = lines(json.dumps(data).encode())
    assert [each["type"] for each in told] == ["prompt", "step_start", "text", "text", "tool_use", "step_finish"]
    assert told[0]["part"]["text"] == "Ask \ufffd"
    assert (told[-1]["part"]["reason"], told[-1]["part"]["cost"]) == ("stop", 0.5)


@pytest.mark.asyncio
async def test_it_is_replayed_like_any_other() -> None:
    app = replay(CAPTURED)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("9")
        await until(pilot, lambda: "echo hi" in on_screen(app))


@pytest.mark.integration
def test_what_the_real_opencode_exports_has_the_lines_it_printed(
    opencode_binary: Path, scripted_model: ScriptedModel, git_workspace: Path, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        TEMPORARY_VARIABLE: str(tmp_path),
        "PWD": str(git_workspace),
        "OPENCODE_CONFIG_CONTENT": json.dumps(scripted_model.config),
    }

    def opencode(*arguments: str, said: str = "") -> bytes:
        command = [str(opencode_binary), *arguments]
        done = subprocess.run(command, input=said.encode(), capture_output=True, cwd=git_workspace, env=environment)
        return done.stdout

    prompt = 'THINK:Hm.\nTOOL:bash:{"command":"echo \\ud83d","description":"x"}\nSAY:"Bye \\ud83d."'
    printed = [decode(line) for line in opencode("run", "--format", "json", "--thinking", said=prompt).splitlines()]
    first, *told = lines(opencode("export", printed[0]["sessionID"]))
    assert (first["type"], first["part"]["text"].strip()) == ("prompt", prompt)
    assert [each["type"] for each in told] == [each["type"] for each in printed]
    assert [each["part"] for each in told] == [each["part"] for each in printed]
    assert told[-2]["part"]["text"] == "Bye \ufffd."
