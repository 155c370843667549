"""The life of a run, on stand-ins for opencode that misbehave on demand, on asyncio and trio."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from tests.client.conftest import StandIn

from octui import (
    AsyncOpenCodeClient,
    ConfigError,
    OpenCodeBinaryNotFoundError,
    OpenCodeProcessError,
    RunConfig,
    TokenUsage,
)
from octui.client.client import OpenCodeWarning
from octui.client.sinks import AttemptEnd

pytestmark = pytest.mark.anyio

CRASH_UNTIL = """
count = len(open(os.environ["TRIES"], "a+").readlines() or open(os.environ["TRIES"]).readlines())
open(os.environ["TRIES"], "a").write("x\\n")
if count < {crashes}:
    print("Error: Unexpected error\\n\\nFailed query: \\n   CREATE TABLE `workspace` (", file=sys.stderr)
    sys.exit(1)
"""


@pytest.fixture
def tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "tries"
    monkeypatch.setenv("TRIES", str(path))
    return path


async def test_a_run_tells_what_it_came_to(stand_in: StandIn, tmp_path: Path) -> None:
    client = AsyncOpenCodeClient(stand_in('print("to stderr", file=sys.stderr); answer(prompt.upper())'))
    result = await client.async_run("hello", tmp_path)
    assert result.final_text == "HELLO"
    assert result.token_usage == TokenUsage(total=3, input=2, output=1)
    assert (result.total_cost, result.turns, result.session_id, result.exit_code) == (0.5, 1, "ses_1", 0)
    assert result.stderr == "to stderr\n"
    assert [event["type"] for event in result.events] == ["step_start", "text", "step_finish"]


async def test_the_prompt_arrives_to_the_letter(stand_in: StandIn, tmp_path: Path) -> None:
    prompt = "-dash \"quotes\" 'single' $HOME \\n\n\ttab é 你好 \u202e" + "x" * 400_000
    client = AsyncOpenCodeClient(stand_in('say("echo", prompt=prompt, argv=sys.argv)'))
    result = await client.async_run(prompt, tmp_path)
    assert result.events[0]["prompt"] == prompt
    assert "dash" not in " ".join(result.events[0]["argv"])


async def test_lines_that_are_no_events_come_as_diagnostics(stand_in: StandIn, tmp_path: Path) -> None:
    code = 'sys.stdout.buffer.write(b"\\xff\\n\\n[1]\\n" + b"{\\"type\\": \\"text\\", "); sys.stdout.flush()'
    client = AsyncOpenCodeClient(stand_in(code))
    events = [event async for event in client.async_stream("x", tmp_path)]
    assert [event["type"] for event in events] == ["diagnostic"] * 3
    assert [event["raw"] for event in events] == ["\ufffd", "[1]", '{"type": "text", ']


async def test_a_failure_carries_exit_code_stderr_and_all_events(stand_in: StandIn, tmp_path: Path) -> None:
    client = AsyncOpenCodeClient(stand_in('answer(); print("why", file=sys.stderr); sys.exit(3)'))
    with pytest.raises(OpenCodeProcessError, match="exit code 3: why") as raised:
        await client.async_run("x", tmp_path)
    assert raised.value.exit_code == 3
    assert raised.value.stderr == "why\n"
    assert len(raised.value.events) == 3


async def test_a_stream_raises_after_its_last_event_and_keeps_only_the_last_few(
    stand_in: StandIn, tmp_path: Path
) -> None:
    client = AsyncOpenCodeClient(stand_in('[say("x", n=n) for n in range(50)]; sys.exit(1)'))
    seen: list[int] = []
    with pytest.raises(OpenCodeProcessError) as raised:
        async for event in client.async_stream("x", tmp_path):
            seen.append(event["n"])
    assert seen == list(range(50))
    assert [event["n"] for event in raised.value.events] == [45, 46, 47, 48, 49]


async def test_a_startup_crash_is_tried_again(stand_in: StandIn, tmp_path: Path, tries: Path) -> None:
    client = AsyncOpenCodeClient(stand_in(CRASH_UNTIL.format(crashes=2) + "answer()"))
    result = await client.async_run("x", tmp_path, retry_delay_s=0.01)
    assert result.final_text == "Done."
    assert len(tries.read_text().split()) == 3


async def test_a_stream_is_tried_again_before_its_first_event(stand_in: StandIn, tmp_path: Path, tries: Path) -> None:
    client = AsyncOpenCodeClient(stand_in(CRASH_UNTIL.format(crashes=1) + "answer()"))
    events = [event async for event in client.async_stream("x", tmp_path, retry_delay_s=0.01)]
    assert len(events) == 3


async def test_a_crash_after_the_first_event_is_not_tried_again(stand_in: StandIn, tmp_path: Path, tries: Path) -> None:
    client = AsyncOpenCodeClient(stand_in("answer()" + CRASH_UNTIL.format(crashes=99)))
    with pytest.raises(OpenCodeProcessError):
        await client.async_run("x", tmp_path, retry_delay_s=0.01)
    assert len(tries.read_text().split()) == 1


async def test_every_line_is_appended_to_the_log_but_for_the_types_left_out(stand_in: StandIn, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("before\n")
    client = AsyncOpenCodeClient(stand_in("answer()"))
    await client.async_run("x", tmp_path, log_file=log, log_exclude_types={"step_start"})
    first, *events = log.read_text().splitlines()
    assert first == "before"
    assert [json.loads(line)["type"] for line in events] == ["text", "step_finish"]


async def test_the_sink_gets_the_bytes_as_printed_and_the_attempts_in_order(
    stand_in: StandIn, tmp_path: Path, tries: Path
) -> None:
    class Sink:
        def __init__(self) -> None:
            self.data = b""
            self.calls: list[Any] = []

        async def attempt_started(self, attempt: int, pid: int, data: Path) -> None:
            self.calls.append(("started", attempt, psutil.pid_exists(pid)))

        async def stdout(self, data: bytes) -> None:
            self.data += data

        async def attempt_ended(self, attempt: int, end: AttemptEnd, retry_in_s: float | None) -> None:
            self.calls.append(("ended", attempt, end.exit_code, retry_in_s))

        def warned(self, words: str) -> None:
            self.calls.append(words)

    sink = Sink()
    code = CRASH_UNTIL.format(crashes=1) + 'sys.stdout.buffer.write(b"\\x00\\xff\\r\\n\\n{half"); sys.stdout.flush()'
    client = AsyncOpenCodeClient(stand_in(code))
    stderr = tmp_path / "run.stderr"
    await client.execute("x", tmp_path, sink=sink, retry_delay_s=0.01, stderr_path=stderr)
    assert sink.data == b"\x00\xff\r\n\n{half"
    assert sink.calls == [("started", 1, True), ("ended", 1, 1, 0.01), ("started", 2, True), ("ended", 2, 0, None)]
    assert "CREATE TABLE" in stderr.read_text()
    assert stderr.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("concurrency", [0, 1, 3])
async def test_many_runs_go_side_by_side(stand_in: StandIn, tmp_path: Path, concurrency: int) -> None:
    client = AsyncOpenCodeClient(stand_in("answer(prompt)"), startup_concurrency=concurrency, startup_delay_s=0.01)
    answers: dict[str, str] = {}

    async def one(prompt: str) -> None:
        answers[prompt] = (await client.async_run(prompt, tmp_path)).final_text

    async with anyio.create_task_group() as group:
        for number in range(6):
            group.start_soon(one, f"prompt {number}")
    assert answers == {f"prompt {number}": f"prompt {number}" for number in range(6)}


def test_one_client_serves_several_event_loops_one_after_another(stand_in: StandIn, tmp_path: Path) -> None:
    client = AsyncOpenCodeClient(stand_in("answer()"))

    async def once() -> str:
        return (await client.async_run("x", tmp_path)).final_text

    assert [anyio.run(once, backend=backend) for backend in ("asyncio", "trio", "asyncio")] == ["Done."] * 3


@pytest.mark.parametrize(
    ("prompt", "workspace", "config", "words"),
    [
        (" ", ".", RunConfig(), "prompt is empty"),
        ("x", "nowhere", RunConfig(), "does not exist"),
        ("x", "file", RunConfig(), "is no folder"),
        ("x", ".", RunConfig(files=["missing.md"]), r"missing\.md does not exist"),
        ("x", ".", RunConfig(permission={"edit": "ask"}), "nobody to ask"),
    ],
)
async def test_mistakes_are_told_before_anything_starts(
    stand_in: StandIn, tmp_path: Path, tries: Path, prompt: str, workspace: str, config: RunConfig, words: str
) -> None:
    (tmp_path / "file").touch()
    client = AsyncOpenCodeClient(stand_in(CRASH_UNTIL.format(crashes=0)))
    with pytest.raises(ConfigError, match=words):
        await client.async_run(prompt, tmp_path / workspace, run_cfg=config)
    assert not tries.exists()


async def test_a_missing_binary_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(OpenCodeBinaryNotFoundError, match="is not there"):
        await AsyncOpenCodeClient(tmp_path / "nope").async_run("x", tmp_path)


async def test_the_run_does_not_see_the_configuration_of_who_started_it(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCODE_CONFIG", "/x")
    monkeypatch.setenv("OPENCODE_CONFIG_DIR", "/x")
    client = AsyncOpenCodeClient(stand_in('say("env", env=dict(os.environ))'))
    env = (await client.async_run("x", tmp_path)).events[0]["env"]
    assert "OPENCODE_CONFIG" not in env
    assert "OPENCODE_CONFIG_DIR" not in env
    assert env["PWD"] == str(tmp_path)
    inherited = RunConfig(inherit_user_config=True)
    env = (await client.async_run("x", tmp_path, run_cfg=inherited)).events[0]["env"]
    assert env["OPENCODE_CONFIG"] == "/x"


async def test_a_run_that_continues_a_session_uses_the_database_it_is_in(
    stand_in: StandIn, tmp_path: Path, home: Path
) -> None:
    client = AsyncOpenCodeClient(stand_in('say("env", data=os.environ["XDG_DATA_HOME"])'))
    shared = str(home / ".local/share")
    assert (await client.async_run("x", tmp_path)).events[0]["data"] != shared
    config = RunConfig(session_id="ses_1")
    assert (await client.async_run("x", tmp_path, run_cfg=config)).events[0]["data"] == shared


async def test_an_agent_that_was_not_used_is_told(stand_in: StandIn, tmp_path: Path) -> None:
    client = AsyncOpenCodeClient(
        stand_in("print('! agent \"explore\" is a subagent. Falling back to default agent', file=sys.stderr); answer()")
    )
    with pytest.warns(OpenCodeWarning, match="explore"):
        await client.async_run("x", tmp_path)
    with pytest.warns(OpenCodeWarning, match="explore"):
        assert len([event async for event in client.async_stream("x", tmp_path)]) == 3
