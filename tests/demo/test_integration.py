"""The demo's agents on the real opencode's server, asked, answered and sent on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from octui.client.serve.conversation import Conversation, open_session, options_of
from octui.client.serve.events import AnyServerEvent, PartGrew, PermissionAsked, QuestionAsked
from octui.client.serve.feed import EventFeed, listening
from octui.client.serve.server import ServerLaunch, running
from octui.client.serve.shares import server_config
from octui.client.serve.v1 import V1Api
from octui.demo.model_server import ModelServer
from octui.demo.scenario import RELEASER, REVIEWER, prepare, scripts
from octui.plan.backends import choose_backends
from octui.plan.model import Plan
from octui.plan.toml import load_plan

pytestmark = pytest.mark.integration


@dataclass
class Heard:
    """What a session came to.

    Attributes:
        asked: Set when somebody has to answer.
        pieces: The words as they came, since the last line.
        texts: The whole texts.
        failed: What tools that failed said.
    """

    asked: anyio.Event = field(default_factory=anyio.Event)
    pieces: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def received(self, line: bytes) -> None:
        assert line

    def printed(self, line: bytes) -> None:
        said = json.loads(line)
        assert said["type"] != "error", line
        part: dict[str, Any] = said["part"]
        if said["type"] == "text":
            self.texts.append(part["text"])
        elif said["type"] == "tool_use" and part["state"]["status"] == "error":
            self.failed.append(part["state"]["error"])

    def happened(self, event: AnyServerEvent) -> None:
        if isinstance(event, PermissionAsked | QuestionAsked):
            self.asked.set()
        elif isinstance(event, PartGrew):
            self.pieces.append(event.delta)

    def connection(self, trouble: str) -> None:
        assert not trouble


@dataclass
class Demo:
    """The demo's runs on a server."""

    folder: Path
    plan: Plan
    api: V1Api
    feed: EventFeed

    async def begin(self, name: str) -> tuple[Conversation, Heard]:
        """Send an agent its prompt, and wait until it asks."""
        spec = next(run for run in self.plan.runs if run.name == name)
        attached = replace(spec.config, attach=self.api.url)  # All runs of the demo share this server.
        session = await open_session(self.api, str(spec.workspace), attached)
        talk, heard = self.listen(session, str(spec.workspace))
        await talk.send(spec.prompt, options_of(spec.config))
        await heard.asked.wait()
        return talk, heard

    def listen(self, session: str, directory: str) -> tuple[Conversation, Heard]:
        heard = Heard()
        return Conversation(self.api, self.feed, session, directory, heard), heard

    async def send(self, talk: Conversation, heard: Heard, prompt: str) -> str:
        """Send something later, and give the answer, which has to come in many pieces."""
        heard.pieces.clear()
        await talk.send(prompt, options_of(self.plan.runs[0].config))
        await talk.wait_over()
        assert len(heard.pieces) > 30
        return heard.texts[-1]


@asynccontextmanager
async def demo(folder: Path, binary: Path) -> AsyncIterator[Demo]:
    with ModelServer(scripts(folder, 0)) as model:
        plan = choose_backends(load_plan(prepare(folder, model.base_url, asks=True)), "serve")
        async with running(ServerLaunch(binary=binary, config=server_config(plan.runs[0].config))) as server:
            api = V1Api(server.url, server.password)
            async with listening(api) as feed:
                yield Demo(folder, plan, api, feed)
            await api.close()


def published(folder: Path) -> list[str]:
    command = ["git", "-C", str(folder / "releaser.git"), "tag", "--list"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def within(seconds: float, story: Callable[[], Any]) -> None:
    async def timed() -> None:
        with anyio.fail_after(seconds):
            await story()

    anyio.run(timed)


def test_what_is_allowed_is_pushed_what_is_chosen_is_written_down_and_a_fork_knows_of_it(
    tmp_path: Path, opencode_binary: Path, integration_timeout_s: float
) -> None:
    async def story() -> None:
        async with demo(tmp_path / "demo", opencode_binary) as it:
            talk, heard = await it.begin(RELEASER.name)
            (request,) = talk.waiting
            assert published(it.folder) == []
            await talk.reply(request, "once")
            await talk.wait_over()
            assert published(it.folder) == ["v1.4.0"]
            assert "is published" in heard.texts[-1]
            assert "v1.4.0" in await it.send(talk, heard, "What did you do?")
            forked = await it.api.fork_session(talk.session_id, talk.directory)
            assert "v1.4.0" in await it.send(*it.listen(forked, talk.directory), "And what now?")
            assert heard.failed == []

            talk, heard = await it.begin(REVIEWER.name)
            (request,) = talk.waiting
            await talk.answer(request, [["Lost cents", "praise the tests"]])
            await talk.wait_over()
            review = (it.folder / "reviewer" / "REVIEW.md").read_text()
            assert "loses cents" in review
            assert "> praise the tests" in review
            assert "below zero" not in review

    within(integration_timeout_s, story)


def test_what_is_rejected_does_not_happen_and_each_still_answers(
    tmp_path: Path, opencode_binary: Path, integration_timeout_s: float
) -> None:
    async def story() -> None:
        async with demo(tmp_path / "demo", opencode_binary) as it:
            talk, heard = await it.begin(RELEASER.name)
            await talk.reply(next(iter(talk.waiting)), "reject", "Not on a Friday.")
            await talk.wait_over()
            assert "not published" in heard.texts[-1]
            assert "Not on a Friday." in heard.failed[0]

            talk, heard = await it.begin(REVIEWER.name)
            await talk.answer(next(iter(talk.waiting)), None)
            await talk.wait_over()
            assert talk.rejected
            assert not (it.folder / "reviewer" / "REVIEW.md").exists()
            assert "REVIEW.md" in await it.send(talk, heard, "Write down all of it.")
            assert "below zero" in (it.folder / "reviewer" / "REVIEW.md").read_text()
            assert published(it.folder) == []

    within(integration_timeout_s, story)
