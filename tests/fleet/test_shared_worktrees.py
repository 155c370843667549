"""Worktrees of runs over a server that are gone on with: by forks, which share them, and by further prompts."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.support.fake_server import FakeServer
from tests.support.repository import make_repository
from tests.support.serving import Served, served
from tests.workspace.conftest import in_git

from octui.client.client import AsyncOpenCodeClient
from octui.client.config import RunConfig
from octui.client.serve import v1
from octui.control.messages import Fork, Forked, Restart, Revert, Send, Settle
from octui.control.settling import settle_run
from octui.errors import ControlError
from octui.fleet.servers import ServerPool
from octui.fleet.supervisor import Supervisor
from octui.plan.model import RunSpec
from octui.recording.facts import RunState, SettingUp, Settled, WorktreeMade
from octui.recording.journal import Journal
from octui.workspace.settle import settle

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

Serving = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A server that answers every prompt at once, unless that says ``wait``."""
    monkeypatch.setattr(v1, "SUMMARY_S", 0.0)
    with FakeServer() as found:

        def answer(session: str, text: str) -> None:
            found.take(session, text)
            if "wait" not in text:
                found.say(session, f"Heard: {text}")
                found.status(session, "idle")

        found.on_prompt = answer
        yield found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"greeter.py": "print(1)\n"})


@pytest.fixture
def serving(server: FakeServer, repository: Path, tmp_path: Path) -> Serving:
    @asynccontextmanager
    async def serve(prompt: str = "Begin", **more: Any) -> AsyncIterator[Served]:
        spec = RunSpec(
            name="a",
            workspace=repository,
            prompt=prompt,
            config=RunConfig(attach=server.url),
            backend="serve",
            **{"worktree": True, **more},
        )
        async with served(tmp_path / "sessions", (spec,), binary=Path("opencode"), version="1.18.33") as it:
            yield it

    return serve


async def rest(it: Served, name: str = "a") -> None:
    """Wait until a run is over, with all that comes behind it."""
    await it.until(lambda: name in it.supervisor._over and it.supervisor._over[name].is_set())


async def fork(it: Served, text: str) -> str:
    answer = await it.supervisor.handle(Fork(id=1, run="a", text=text))
    assert isinstance(answer, Forked)
    return answer.run


def reverts(server: FakeServer) -> list[str]:
    return [path for _, path, _ in server.asked if path.endswith("/revert")]


def write(it: Served, name: str = "greeter.py", text: str = "print(2)\n") -> None:
    (it.runner("a").place.folder / name).write_text(text)


async def test_a_fork_works_in_the_worktree_of_its_origin_and_what_it_changes_there_is_counted(
    serving: Serving, repository: Path
) -> None:
    async with serving() as it:
        await rest(it)
        name = await fork(it, "wait")
        await it.until(lambda: b"wait" in it.stream(name))
        write(it)
        await it.supervisor.stop([name], "enough")
        assert it.runner(name).place.folder == it.runner("a").place.folder
        assert in_git(repository, "worktree", "list").count("\n") == 1, "the user's own and one more"
        for run in ("a", name):
            changes = it.status(run).changes
            assert changes is not None
            assert (changes.files, changes.added, changes.removed) == (1, 1, 1)
            assert [diff.file for diff in it.session().diffs(run)] == ["greeter.py"]


async def test_what_was_counted_before_a_fork_is_told_of_it_too(serving: Serving) -> None:
    async with serving("wait") as it:
        await it.until(lambda: it.runner("a").session_id)
        write(it)
        await it.supervisor.stop(["a"], "enough")
        name = await fork(it, "Look")
        await rest(it, name)
        changes = it.status(name).changes
        assert changes is not None
        assert changes.files == 1


async def test_a_worktree_in_which_another_run_is_at_work_is_not_settled(serving: Serving) -> None:
    async with serving() as it:
        await rest(it)
        name = await fork(it, "wait")
        await it.until(lambda: b"wait" in it.stream(name))
        write(it)
        with pytest.raises(ControlError, match=f"{name} is at work in the worktree of a; stop it first"):
            await it.supervisor.handle(Settle(id=1, run="a", how="discarded"))
        assert it.runner(name).place.folder.is_dir()


@pytest.mark.parametrize("worktree", [True, False])
async def test_what_a_run_changed_is_not_taken_back_while_another_works_there(
    serving: Serving, server: FakeServer, worktree: bool
) -> None:
    async with serving(worktree=worktree) as it:
        await rest(it)
        name = await fork(it, "wait")
        await it.until(lambda: b"wait" in it.stream(name))
        where = "worktree" if worktree else "folder"
        words = f"^{name} is at work in the {where} of a; stop it first, or wait for its end.$"
        for undo in (False, True):
            with pytest.raises(ControlError, match=words):
                await it.supervisor.handle(Revert(id=1, run="a", undo=undo))
        assert not reverts(server)
        await it.supervisor.stop([name], "enough")
        await it.supervisor.handle(Revert(id=2, run="a"))
        assert reverts(server)


async def test_a_run_that_is_asked_more_begins_once_another_has_taken_back_what_it_changed_there(
    serving: Serving, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, reply = threading.Event(), server.reply

    def slow(method: str, path: str, body: Any) -> Any:
        answer = reply(method, path, body)
        if path.endswith("/revert"):
            go_on.wait(60)
        return answer

    monkeypatch.setattr(server, "reply", slow)
    async with serving() as it:
        await rest(it)
        name = await fork(it, "More")
        await rest(it, name)
        async with anyio.create_task_group() as group:
            group.start_soon(it.supervisor.handle, Revert(id=1, run="a"))
            await it.until(lambda: reverts(server))
            await it.supervisor.handle(Send(id=2, run=name, text="Then this"))
            await it.until(lambda: it.status(name).why == "waits until its folder is ready")
            assert not any("Then this" in str(body) for _, _, body in server.asked)
            go_on.set()
        await it.until(lambda: it.texts(name)[-1:] == ["Heard: Then this"])


@pytest.mark.parametrize("how", ["kept", "discarded"])
async def test_what_becomes_of_a_worktree_is_told_of_all_who_share_it(serving: Serving, how: Any) -> None:
    async with serving() as it:
        await rest(it)
        name = await fork(it, "More")
        await rest(it, name)
        write(it)
        await it.supervisor.handle(Settle(id=1, run=name, how=how, message="Work"))
        assert [it.status(run).settled for run in ("a", name)] == [Settled(how)] * 2
        assert not it.status("a").has_worktree


async def test_what_becomes_of_a_worktree_of_a_session_that_is_over_is_told_of_all_who_share_it(
    serving: Serving,
) -> None:
    async with serving() as it:
        await rest(it)
        name = await fork(it, "More")
        await rest(it, name)
        write(it)
    settle_run(it.session(), "a", "discarded")
    assert [it.status(run).settled for run in ("a", name)] == [Settled.DISCARDED] * 2


@pytest.mark.parametrize(("how", "text"), [("kept", "print(2)\n"), ("discarded", "print(1)\n")])
async def test_a_run_that_is_asked_more_has_its_worktree_again_as_its_branch_is(
    serving: Serving, how: Any, text: str
) -> None:
    async with serving(setup=("true",)) as it:
        await rest(it)
        write(it)
        await it.supervisor.handle(Settle(id=1, run="a", how=how, message="Work"))
        session_id, folder = it.runner("a").session_id, it.runner("a").place.folder
        assert not folder.exists()
        await it.supervisor.handle(Send(id=2, run="a", text="wait"))
        await it.until(lambda: it.runner("a").state is RunState.RUNNING and b"wait" in it.stream("a"))
        assert it.runner("a").session_id == session_id
        assert (folder / "greeter.py").read_text() == text
        assert it.status("a").has_worktree
        assert sum(isinstance(fact, SettingUp) for fact in it.facts) == 2, "what stood there is gone"


async def test_a_run_that_is_asked_more_while_its_branch_is_checked_out_elsewhere_says_what_to_do(
    serving: Serving, repository: Path
) -> None:
    async with serving() as it:
        await rest(it)
        write(it)
        await it.supervisor.handle(Settle(id=1, run="a", how="kept", message="Work"))
        in_git(repository, "checkout", "--quiet", it.status("a").worktree.branch)  # type: ignore[union-attr]  # It has one.
        await it.supervisor.handle(Send(id=2, run="a", text="More"))
        await it.until(lambda: it.runner("a").state is RunState.FAILED)
        assert f"is checked out in {repository}. Check out another branch there." in it.status("a").why


async def test_a_run_that_begins_while_its_worktree_is_settled_waits_and_has_it_again(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = anyio.Event(), False

    def slow(*told: Any, **more: Any) -> str:
        anyio.from_thread.run_sync(begun.set)
        while not go_on:
            anyio.from_thread.run(anyio.sleep, 0.01)
        return settle(*told, **more)

    monkeypatch.setattr("octui.fleet.workplace.settle", slow)
    async with serving() as it:
        await rest(it)
        write(it)
        async with anyio.create_task_group() as group:
            group.start_soon(it.supervisor.handle, Settle(id=1, run="a", how="discarded"))
            await begun.wait()
            await it.supervisor.handle(Restart(id=2, run="a"))
            await it.until(lambda: it.status("a").why == "waits until its folder is ready")
            go_on = True
        await rest(it)
        assert it.runner("a").state is RunState.SUCCEEDED
        assert it.status("a").has_worktree


async def test_what_is_set_up_stays_so_for_a_fork_when_the_session_is_taken_up(
    serving: Serving, server: FakeServer
) -> None:
    async with serving(setup=("true",)) as it:
        await rest(it)
        name = await fork(it, "More")
        await rest(it, name)
        write(it)
    before = it.session().status
    journal, plan = Journal.take_up(it.journal.folder)
    client = AsyncOpenCodeClient(Path("opencode"))
    pool = ServerPool(Path("opencode"), "1.18.33", journal.server_folder, plan.runs)
    again = Supervisor(plan, journal, client, servers=pool, on_fact=it.facts.append, before=before)
    it.facts.clear()
    later = Served(again, journal, it.facts)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: again.run(connections=lambda: 1))
        await later.until(lambda: name in again._over)
        await again.handle(Restart(id=1, run=name))
        await rest(later, name)
        await again.shutdown()
    journal.close()
    assert later.runner(name).state is RunState.SUCCEEDED
    assert not [fact for fact in it.facts if isinstance(fact, SettingUp | WorktreeMade)]
