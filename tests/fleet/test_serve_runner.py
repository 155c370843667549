"""Runs over the real ``opencode serve``: answered, asked on, aborted, forked, cut off by the death of their server."""

from __future__ import annotations

import json
import os
import signal
import tomllib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import anyio
import pytest
from tests.conftest import ScriptedModel
from tests.fleet.test_integration import left, marked
from tests.support.repository import make_repository
from tests.support.serving import Served, served
from tests.support.shared_server import SharedServer

from octui.client.binary import binary_version, find_binary
from octui.client.config import RunConfig
from octui.client.events import ToolUse
from octui.control.messages import Abort, Answer, Choices, Fork, Forked, Offered, Reply, Restart, Revert, Send, Stop
from octui.errors import ControlError, RecordingError
from octui.fleet.main import SupervisedSession
from octui.fleet.pacing import Gate
from octui.plan.model import Plan, RunSpec
from octui.recording.facts import Attention, AttentionRaised, RunState, SessionOpened, StateChanged
from octui.recording.layout import SESSION_FILE, diff_path
from octui.recording.session import Session

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("opencode_binary"), pytest.mark.asyncio]

BASH = 'TOOL:bash:{"command":"%s","description":"x"}\n'
QUESTION = {
    "questions": [
        {
            "question": "Which one?",
            "header": "Pick",
            "options": [{"label": "A", "description": "a"}, {"label": "B", "description": "b"}],
        }
    ],
}


def changes(it: Served) -> list[StateChanged]:
    return [fact for fact in it.facts if isinstance(fact, StateChanged)]


Serving = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def serving(scripted_model: ScriptedModel, tmp_path: Path) -> Serving:
    """Run prompts by name over a server of the session's own, on asyncio."""
    return serving_on(tmp_path, config_overrides=scripted_model.config)


@pytest.fixture
def attached(shared_server: SharedServer, tmp_path: Path) -> Serving:
    """The same over the server that tests share."""
    return serving_on(tmp_path, **shared_server.place)


def serving_on(folder: Path, **place: Any) -> Serving:
    """Run prompts by name, each in a repository of its own in a folder."""

    @asynccontextmanager
    async def serve(
        prompts: dict[str, str],
        *,
        gate: Gate | None = None,
        each: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
        **config: Any,
    ) -> AsyncIterator[Served]:
        given = RunConfig(**place, **config)
        runs = tuple(
            RunSpec(
                name=name,
                workspace=make_repository(folder / name, {"README.md": "x"}),
                prompt=prompt,
                config=given,
                backend="serve",
                **each.get(name, {}),
            )
            for name, prompt in prompts.items()
        )
        binary = find_binary()
        async with served(folder / "sessions", runs, binary=binary, version=binary_version(binary), gate=gate) as it:
            yield it

    return serve


async def test_equal_runs_share_a_server_and_print_what_opencode_run_would(serving: Serving, tmp_path: Path) -> None:
    with marked(tmp_path):
        async with serving(
            {"a": "SLOW:6:0.02\nSAY:Six pieces of 1 answer..", "b": f"{BASH % 'echo hi'}SAY:Done."}
        ) as it:
            assert [await it.over(name) for name in "ab"] == [RunState.SUCCEEDED] * 2
            assert it.runner("a").server_pid == it.runner("b").server_pid > 0
        assert left(tmp_path) == []
    assert [line["type"] for line in it.lines("a")] == ["step_start", "text", "step_finish"]
    assert [line["type"] for line in it.lines("b")] == [
        *("step_start", "tool_use", "step_finish"),
        *("step_start", "text", "step_finish"),
    ]
    stream = it.stream("a")
    assert stream.count(b'"message.part.delta"') == 6
    assert b'"sessionID":"%b"' % it.runner("b").session_id.encode() not in stream
    assert it.session().log("b").totals.finished


async def test_runs_on_one_server_start_together_where_there_is_memory_for_one_process(serving: Serving) -> None:
    async with serving(dict.fromkeys("abc", f"{BASH % 'sleep 1'}SAY:ok"), gate=Gate(3600.0, lambda: 0)) as it:
        await it.until(lambda: all(it.lines(name) for name in "abc"))
        assert {it.runner(name).state for name in "abc"} == {RunState.RUNNING}
        assert [await it.over(name) for name in "abc"] == [RunState.SUCCEEDED] * 3
    assert RunState.QUEUED not in [fact.state for fact in changes(it)]


async def test_a_server_waits_for_memory_and_its_run_says_so(serving: Serving) -> None:
    gate = Gate(0.0, lambda: 0)
    async with AsyncExitStack() as other:
        await other.enter_async_context(gate.passed(lambda why: None))
        async with serving({"a": "SAY:ok"}, gate=gate) as it:
            await it.until(
                lambda: RunState.QUEUED in [each.state for each in it.facts if isinstance(each, StateChanged)]
            )
            await other.aclose()
            assert await it.over("a") is RunState.SUCCEEDED
    assert [str(fact.state) for fact in changes(it)] == ["starting", "queued", "starting", "running", "succeeded"]
    assert changes(it)[1].why.startswith("waits for memory")


async def test_a_permission_and_a_question_wait_until_they_are_answered(attached: Serving) -> None:
    ask = f"TOOL:question:{json.dumps(QUESTION)}\nSAY:Thanks."
    prompts = {"bash": f"{BASH % 'echo allowed'}SAY:Done.", "question": ask}
    async with attached(prompts, permission={"bash": "ask"}) as it:
        permission, question = await it.waits("bash"), await it.waits("question")
        status = it.session().status
        assert status.run("bash").attention[Attention.PERMISSION_ASKED][0] == "bash: echo allowed"
        assert status.run("question").attention[Attention.QUESTION_ASKED][0] == "Which one?"
        with pytest.raises(ControlError, match="another kind"):
            await it.supervisor.handle(Answer(id=1, run="bash", request=permission, answers=None))
        await it.supervisor.handle(Reply(id=1, run="bash", request=permission, reply="once"))
        await it.supervisor.handle(Answer(id=2, run="question", request=question, answers=[["B"]]))
        assert [await it.over(name) for name in prompts] == [RunState.SUCCEEDED] * 2
        with pytest.raises(ControlError, match="answered already"):
            await it.supervisor.handle(Reply(id=3, run="bash", request=permission, reply="once"))
        status = it.session().status
        assert not any(status.run(name).requests or status.run(name).attention for name in prompts)
    outputs = {name: str(it.lines(name)[1]) for name in prompts}
    assert "allowed" in outputs["bash"]
    assert "'answers': [['B']]" in outputs["question"]


async def test_a_run_is_stopped_at_its_budget_and_the_next_prompt_is_held_to_it_too(attached: Serving) -> None:
    prompts = {"a": f"{BASH % 'echo 1'}{BASH % 'sleep 300'}SAY:never"}
    async with attached(prompts, each={"a": {"max_turns": 1}}) as it:
        assert await it.over("a") is RunState.STOPPED
        assert changes(it)[-1].why == "its budget was spent: turn 2 of 1"
        await it.supervisor.handle(Send(id=1, run="a", text=f"{BASH % 'sleep 300'}SAY:never"))
        await it.until(lambda: [each.state for each in changes(it)].count(RunState.STOPPED) == 2)


async def test_a_fork_of_a_run_that_needed_others_starts_at_once_with_a_prompt_to_the_letter(attached: Serving) -> None:
    template = "SAY:b after {{ runs.a.final_text }}"
    each = {"b": {"needs": ("a",), "template": template}}
    async with attached({"a": "SAY:a", "b": template}, each=each) as it:
        assert await it.over("b") is RunState.SUCCEEDED
        assert it.session().log("b").final_text() == "b after a"
        forked = await it.supervisor.handle(Fork(id=1, run="b", text="SAY:{{ 7 * 7 }}"))
        assert isinstance(forked, Forked)
        assert await it.over(forked.run) is RunState.SUCCEEDED
        assert it.session().log(forked.run).final_text() == "{{ 7 * 7 }}"


async def test_half_a_character_hides_no_request(attached: Serving) -> None:
    question = json.dumps({"questions": [{**QUESTION["questions"][0], "question": "Which \ud83d?"}]})
    command = BASH % r"echo \ud83d"
    prompts = {"bash": f"{command}SAY:Done.", "question": f"TOOL:question:{question}\nSAY:Thanks."}
    async with attached(prompts, permission={"bash": "ask"}) as it:
        permission, question = await it.waits("bash"), await it.waits("question")
        status = it.session().status
        assert status.run("bash").attention[Attention.PERMISSION_ASKED][0] == "bash: echo \ufffd"
        assert status.run("question").attention[Attention.QUESTION_ASKED][0] == "Which \ufffd?"
        await it.supervisor.handle(Reply(id=1, run="bash", request=permission, reply="once"))
        await it.supervisor.handle(Answer(id=2, run="question", request=question, answers=[["B"]]))
        assert [await it.over(name) for name in prompts] == [RunState.SUCCEEDED] * 2
        assert (it.texts("bash"), it.texts("question")) == (["Done."], ["Thanks."])
        calls = {name: it.session().log(name).event(1).body for name in prompts}
    assert all(isinstance(call, ToolUse) and call.status == "completed" for call in calls.values())


async def test_a_rejection_ends_the_turn_and_one_with_a_message_does_not(attached: Serving) -> None:
    prompt = f"{BASH % 'echo never'}SAY:I go on."
    async with attached({"plain": prompt, "told": prompt}, permission={"bash": "ask"}) as it:
        await it.supervisor.handle(Reply(id=1, run="plain", request=await it.waits("plain"), reply="reject"))
        message = Reply(id=2, run="told", request=await it.waits("told"), reply="reject", message="Use printf.")
        await it.supervisor.handle(message)
        assert await it.over("plain") is RunState.STOPPED
        assert await it.over("told") is RunState.SUCCEEDED
        assert it.session().status.run("plain").why == "you rejected bash: echo never"
    assert "Use printf." in str(it.lines("told")[1])
    assert it.texts("told") == ["I go on."]


async def test_what_is_asked_before_a_run_has_begun_comes_after_its_own_prompt(attached: Serving) -> None:
    async with attached({"a": "SAY:First."}) as it:
        await it.supervisor.handle(Send(id=1, run="a", text="SAY:Second."))
        await it.until(lambda: "Second." in it.texts("a"))
        await it.over("a")
    said = it.stream("a")
    assert 0 < said.index(b"SAY:First.") < said.index(b"SAY:Second.")
    assert [line["type"] for line in it.lines("a")].count("prompt") == 1


async def test_prompts_queue_while_it_works_and_continue_it_when_it_is_over(attached: Serving) -> None:
    async with attached({"a": "SLOW:8:0.1\nSAY:First answer in eight pieces."}) as it:
        await it.until(lambda: it.runner("a").state is RunState.RUNNING)
        await it.supervisor.handle(Send(id=1, run="a", text="SAY:Second."))
        await it.over("a")
        assert it.texts("a") == ["First answer in eight pieces.", "Second."]
        await it.supervisor.handle(Send(id=2, run="a", text="SAY:Third."))
        await it.over("a")
        forked = await it.supervisor.handle(Fork(id=3, run="a", text="SAY:Elsewhere."))
        await it.over("a-fork")
        assert forked is not None
        offered = await it.supervisor.handle(Choices(id=4, run="a"))
        assert isinstance(offered, Offered)
        assert "scripted/m1" in offered.models
        assert "build" in offered.agents
    assert it.texts("a") == ["First answer in eight pieces.", "Second.", "Third."]
    assert [line["type"] for line in it.lines("a")].count("prompt") == 2
    assert it.texts("a-fork") == ["Elsewhere."]
    sessions = {fact.run: fact.session_id for fact in it.facts if isinstance(fact, SessionOpened)}
    assert len({*sessions.values()}) == 2
    assert it.session().run_names == ("a", "a-fork")
    plan = tomllib.loads((it.journal.folder / SESSION_FILE).read_text())
    assert [run["name"] for run in plan["runs"]] == ["a", "a-fork"]


async def test_an_abort_ends_the_command_and_leaves_the_run_to_be_asked_more(serving: Serving, tmp_path: Path) -> None:
    with marked(tmp_path):
        async with serving({"a": f"{BASH % 'sleep 600'}SAY:Never."}) as it:
            await it.until(lambda: "sleep" in left(tmp_path))
            await it.supervisor.handle(Abort(id=1, run="a"))
            assert await it.over("a") is RunState.STOPPED
            assert it.session().status.run("a").why == "the turn was aborted by you"
            await it.until(lambda: "sleep" not in left(tmp_path))
            await it.supervisor.handle(Send(id=2, run="a", text="SAY:Here again."))
            assert await it.over("a") is RunState.SUCCEEDED
            await it.supervisor.handle(Send(id=3, run="a", text=f"{BASH % 'sleep 601'}SAY:Never."))
            await it.until(lambda: "sleep" in left(tmp_path))
            await it.supervisor.handle(Stop(id=4, run="a"))
            assert it.runner("a").state is RunState.STOPPED
            await it.until(lambda: "sleep" not in left(tmp_path))
            await it.supervisor.handle(Restart(id=5, run="a"))
            await it.until(lambda: "sleep" in left(tmp_path))
        assert left(tmp_path) == []
    assert it.texts("a") == ["Here again."]


async def test_an_abort_before_the_prompt_is_asked_takes_it_back(attached: Serving) -> None:
    async with attached({"a": "SAY:First."}) as it:
        await it.over("a")
        await it.supervisor.handle(Send(id=1, run="a", text="SAY:Never asked."))
        await it.supervisor.handle(Abort(id=2, run="a"))
        assert (it.runner("a").state, changes(it)[-1].why) == (RunState.STOPPED, "the turn was aborted by you")
        await it.supervisor.handle(Send(id=3, run="a", text="SAY:Second."))
        assert await it.over("a") is RunState.SUCCEEDED
    assert it.texts("a") == ["First.", "Second."]
    assert b"Never asked." not in it.stream("a")


async def test_time_between_turns_is_neither_work_nor_silence(attached: Serving) -> None:
    async with attached({"a": "SAY:First."}, each={"a": {"silence_s": 1.0}}) as it:
        await it.over("a")
        await anyio.sleep(2.5)
        await it.supervisor.handle(Send(id=1, run="a", text="SLOW:4:0.2\nSAY:Four."))
        await it.over("a")
        status, outcome = it.session().status.run("a"), it.runner("a").outcome()
        assert None not in (status.started_at, status.ended_at, outcome)
        assert status.idle_s >= 2.5
        worked_s = (status.ended_at or 0) - (status.started_at or 0) - status.idle_s
        assert status.elapsed(0) == pytest.approx(worked_s)
        assert (outcome or {})["duration_s"] == pytest.approx(worked_s, abs=2.0)  # It counts its start-up, too.
    for told in it.facts:  # A slow machine may be silent for a second when it is asked.
        if isinstance(told, AttentionRaised) and told.kind is Attention.SILENT:
            before = [change for change in changes(it) if change.at <= told.at]
            asked_at = max(change.at for change in before if change.state is RunState.STARTING)
            assert not before[-1].state.is_final
            assert told.at - asked_at >= 1.0


async def test_a_queued_prompt_stands_before_its_own_answer(attached: Serving) -> None:
    async with attached({"a": "SAY:First."}) as it:
        await it.over("a")
        before = it.stream("a").count(b"part.delta")
        await it.supervisor.handle(Send(id=1, run="a", text="SLOW:10:0.1\nSAY:Second in ten pieces."))
        await it.until(lambda: it.stream("a").count(b"part.delta") > before)
        await it.supervisor.handle(Send(id=2, run="a", text="SAY:Third."))
        await it.over("a")
    said = [line["part"]["text"].rpartition("SAY:")[2] for line in it.lines("a") if line["type"] in ("prompt", "text")]
    assert said == ["First.", "Second in ten pieces.", "Second in ten pieces.", "Third.", "Third."]


async def test_the_death_of_a_server_fails_its_turns_and_the_next_prompt_finds_the_session_again(
    serving: Serving,
) -> None:
    async with serving(
        {
            "a": "SLOW:100:0.1\nSAY:This answer of a hundred letters takes ten seconds, had its server not died.",
            "b": "SAY:Whole.",
        }
    ) as it:
        await it.until(lambda: b"part.delta" in it.stream("a"))
        await it.over("b")
        os.kill(it.runner("a").server_pid, signal.SIGKILL)
        assert await it.over("a") is RunState.FAILED
        assert "the opencode server died: a signal ended it (9)" in it.session().status.run("a").why
        assert it.runner("b").state is RunState.SUCCEEDED
        session_id = it.runner("a").session_id
        await it.supervisor.handle(Send(id=1, run="a", text="SAY:Back."))
        assert (changes(it)[-1].state, changes(it)[-1].why) == (RunState.STARTING, "its server starts")
        assert await it.over("a") is RunState.SUCCEEDED
        assert it.runner("a").session_id == session_id
    assert it.texts("a") == ["Back."]
    assert [line["type"] for line in it.lines("a")].count("prompt") == 1


async def test_what_a_run_changed_is_written_down_and_can_be_taken_back(attached: Serving) -> None:
    async with attached({"a": f"{BASH % 'echo new > new.txt'}SAY:Done."}) as it:
        await it.over("a")
        workspace = it.runner("a").spec.workspace
        await it.until(diff_path(it.journal.folder, "a").exists)
        diffs = json.loads(diff_path(it.journal.folder, "a").read_bytes())
        assert [(diff["file"], diff["additions"]) for diff in diffs] == [("new.txt", 1)]
        await it.supervisor.handle(Revert(id=1, run="a"))
        assert not (workspace / "new.txt").exists()
        assert json.loads(diff_path(it.journal.folder, "a").read_bytes()) == []
        await it.supervisor.handle(Revert(id=2, run="a", undo=True))
        assert (workspace / "new.txt").exists()


async def test_a_prompt_the_server_does_not_take_fails_the_run_with_its_reason(attached: Serving) -> None:
    async with attached({"a": "SAY:x"}, agent="nobody") as it:
        assert await it.over("a") is RunState.FAILED
        assert "Agent not found" in it.session().status.run("a").why
        states = [fact.state for fact in it.facts if isinstance(fact, StateChanged)]
    assert states[0] is RunState.STARTING


async def test_a_session_that_is_over_is_taken_up_again_and_its_runs_go_on(
    scripted_model: ScriptedModel, tmp_path: Path
) -> None:
    config = json.loads(json.dumps(scripted_model.config).replace("not-a-secret", "{env:HOME}"))
    spec = RunSpec(
        name="a",
        workspace=make_repository(tmp_path / "a", {"README.md": "x"}),
        prompt="SAY:First.",
        config=RunConfig(config_overrides=config),
        backend="serve",
    )
    first = SupervisedSession.begin(Plan(name="taken up", runs=(spec,)), None, tmp_path / "sessions", default="run")
    await first.run()
    before = Session.open(first.journal.folder).status.run("a")
    again = SupervisedSession.take_up(first.journal.folder, None)
    supervisor = again.supervisor(answers=True)
    connected = 1
    async with anyio.create_task_group() as group:
        supervisor.started(socket="", octui="0.1.0", opencode="1.18.33")
        group.start_soon(lambda: supervisor.run(connections=lambda: connected))
        it = Served(supervisor, again.journal)
        await it.until(lambda: supervisor.runners["a"].state is RunState.SUCCEEDED)
        await supervisor.handle(Send(id=1, run="a", text="SAY:Second."))
        await it.over("a")
        connected = 0
        await supervisor.shutdown()
    again.journal.close()
    status = it.session().status.run("a")
    assert (status.state, status.session_id, status.life) == (RunState.SUCCEEDED, before.session_id, 1)
    assert it.texts("a") == ["First.", "Second."]
    assert it.session().log("a").totals.turns == 2


async def test_a_session_whose_plan_held_secrets_is_not_taken_up(attached: Serving) -> None:
    async with attached({"a": "SAY:x"}) as it:
        await it.over("a")
    with pytest.raises(RecordingError, match="held secrets"):
        SupervisedSession.take_up(it.journal.folder, None)
