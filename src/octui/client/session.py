"""`OpenCodeSession`: talk with one agent, prompt after prompt, over a server; on asyncio or trio."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, suppress
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectSendStream

from octui.client import logins
from octui.client.asking import Asking, OnPermission, OnQuestion
from octui.client.client import AsyncOpenCodeClient, warn
from octui.client.config import RunConfig, check
from octui.client.permissions import override_rules
from octui.client.reach import reach
from octui.client.result import RunResult
from octui.client.serve.api import ServerApi
from octui.client.serve.background import background
from octui.client.serve.conversation import Conversation, Request, in_words, open_session, options_of
from octui.client.serve.events import AnyServerEvent, PermissionAsked, QuestionAsked, RequestClosed
from octui.client.serve.feed import EventFeed, listening
from octui.client.serve.server import OpenCodeServer
from octui.client.serve.shares import asks, server_config
from octui.client.turn import Background, Turn
from octui.errors import ConfigError, OpenCodeTimeoutError, ServerError

ABORT_S = 10.0
"""How long a server may take to end a turn."""

ABORT_AGAIN_S = 1.0


class OpenCodeSession:
    """A session with one agent that keeps what was said: ``async with OpenCodeSession(client, folder) as session``.

    It has a server of its own on 127.0.0.1 with a random password, which ends with it and takes all it started with it;
    or it uses a server that runs already, as ``run_cfg.attach``, ``password`` and ``remote_dir`` say. Enter and leave
    it in the same task.

    Args:
        client: Says which opencode is used, and whether its database is a private one.
        workspace: The folder the agent works in; that on the server's machine is ``run_cfg.remote_dir``.
        run_cfg: How opencode is started and what holds for each prompt; its files and command go with the first.
            Permissions may be ``ask`` here.
        on_permission: Is asked for each tool call that needs a permission; a function or coroutine function that gives
            ``once``, ``always`` or ``reject``.
        on_question: Is asked the model's questions; gives a list of labels for each, or None to dismiss them. Without
            either, what is asked is rejected, so that nothing waits for ever, and `RunResult.rejected` says so.
        timeout_s: Limit of each turn, in seconds; None for none.

    Attributes:
        workspace: The folder the agent works in, on the server's machine.
        session_id: opencode's session; empty before the block is entered.
    """

    def __init__(
        self,
        client: AsyncOpenCodeClient,
        workspace: str | Path,
        *,
        run_cfg: RunConfig | None = None,
        on_permission: OnPermission | None = None,
        on_question: OnQuestion | None = None,
        timeout_s: float | None = None,
    ) -> None:
        self._client = client
        self._config = run_cfg or RunConfig()
        self._timeout_s = timeout_s
        self._asker = Asking(on_permission, on_question)
        self._folder = Path(workspace).expanduser().absolute()
        self.workspace = self._config.remote_dir or str(self._folder)
        self.session_id = ""
        self._stack: AsyncExitStack | None = None
        self._talk: Conversation | None = None
        self._one_at_a_time = anyio.Lock()
        self._turn: Turn | None = None
        self._api: ServerApi | None = None
        self._group: TaskGroup | None = None
        self._asking: dict[str, anyio.CancelScope] = {}
        self._gone = ""
        self._login_turn = logins.Turn()

    async def __aenter__(self) -> OpenCodeSession:
        """Start the server, or reach it, and begin the session.

        Raises:
            ConfigError: The configuration or the workspace cannot be used; nothing was started.
            OpenCodeBinaryNotFoundError: There is no opencode to run.
            ServerError: The server does not get ready, is not there, or refuses.
        """
        if self._stack is not None:
            raise RuntimeError("A session is entered once.")
        for words in check(self._config, may_ask=True):
            warn(words)
        if self._config.cli_kwargs:
            raise ConfigError("cli_kwargs are flags of `opencode run`; a session has none.")
        async with AsyncExitStack() as stack:
            api, own = await stack.enter_async_context(reach(self._client, self._folder, self._config))
            feed = await stack.enter_async_context(listening(api))
            self._group = await stack.enter_async_context(background())
            if own is not None:
                self._group.start_soon(self._watch, own)
            await self._open(api, feed)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what it is doing, and a server of its own with all it started."""
        assert self._stack is not None
        self._gone = self._gone or "The session is over."
        await self._stack.__aexit__(kind, error, trace)

    async def send(self, prompt: str, *, run_cfg: RunConfig | None = None, timeout_s: float | None = None) -> RunResult:
        """Have a prompt answered, and give what came of it; several at a time are answered one after another.

        Cancelling it ends the turn; the session stays.

        Args:
            prompt: Reaches the model to the letter.
            run_cfg: Files to attach or a command for this prompt; another model, agent or variant, other tools and
                permissions from now on. What is the server's (MCP servers, instructions, environment) is that of the
                session.
            timeout_s: Limit of this turn, in seconds; the session's own where it is None.

        Returns:
            The turn's part of what ``opencode run`` would have given. After `abort` it is what there is, with exit code
            130.

        Raises:
            ConfigError: The configuration cannot be used.
            OpenCodeProcessError: The turn ended with an error.
            OpenCodeTimeoutError: Its time was up; the turn was ended, and the session stays.
            ServerError: The server does not take the prompt, or is not there any more.
        """
        return await self._send(prompt, run_cfg, timeout_s, None)

    async def stream(
        self, prompt: str, *, run_cfg: RunConfig | None = None, timeout_s: float | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Have a prompt answered, and give what happens as it happens.

        Beside the events of ``opencode run``, each of a part that is whole, there are
        ``{"type": "delta", "part": id, "kind": "text" | "reasoning", "text": …}``, some more words of a part, and
        ``{"type": "tool", "part": id, "tool", "status", "title", "input", "output"}``, how a call stands that is not
        over. Leaving the loop ends the turn; ``contextlib.aclosing`` does so at once.

        Args:
            prompt: As for `send`, and so are the others.
            run_cfg: For this prompt.
            timeout_s: Limit of this turn, in seconds; the time a consumer takes does not count.

        Raises:
            OpenCodeError: As `send` does, after the last event.
            ConfigError: The configuration cannot be used.
        """
        if self._group is None:
            raise ServerError("The session was not entered.")
        sending, receiving = anyio.create_memory_object_stream[dict[str, Any]](math.inf)
        turn = Background(partial(self._send, prompt, run_cfg, timeout_s, sending), sending)
        self._group.start_soon(turn.run)
        try:
            async for event in receiving:
                yield event
        finally:
            receiving.close()
            turn.scope.cancel()
            with anyio.CancelScope(shield=True):
                await turn.over.wait()
        if turn.error is not None:
            raise turn.error

    async def abort(self) -> None:
        """End the turn; the session stays to be prompted again. Without a turn nothing happens.

        Raises:
            ServerError: The server does not.
        """
        if self._turn is not None and self._talk is not None:
            await self._talk.abort()

    # The server and the session on it

    async def _open(self, api: ServerApi, feed: EventFeed) -> None:
        await feed.wait_connected()
        self.session_id = await open_session(api, self.workspace, self._config)
        self._api = api
        self._talk = Conversation(api, feed, self.session_id, self.workspace, self, override_rules(self._config))
        if self._config.continue_session or self._config.session_id is not None:
            await self._talk.take_up()
        if self._config.share:
            await api.share(self.session_id, self.workspace)

    async def _watch(self, own: OpenCodeServer) -> None:
        code = await own.wait()
        self._gone = f"The opencode server ended with exit code {code}."
        if self._talk is not None:
            self._talk.give_up(self._gone)

    # One turn

    async def _send(
        self,
        prompt: str,
        run_cfg: RunConfig | None,
        timeout_s: float | None,
        stream: MemoryObjectSendStream[dict[str, Any]] | None,
    ) -> RunResult:
        config = self._config_of(run_cfg)
        async with self._one_at_a_time:
            talk, api = self._talk, self._api
            if self._gone or talk is None or api is None:
                raise ServerError(self._gone or "The session was not entered.", is_gone=True)
            turn = self._turn = Turn(stream)
            try:
                self._login_turn = await self._take_login_turn()
                if run_cfg is not None and (rules := override_rules(run_cfg)):
                    await api.set_rules(self.session_id, self.workspace, rules)
                limit_s = self._timeout_s if timeout_s is None else timeout_s
                await self._until_over(talk, prompt, config, limit_s, turn)
                if turn.trouble is not None:
                    raise turn.trouble
                if self._gone:
                    raise ServerError(self._gone, is_gone=True)
                return turn.result(self.session_id, aborted=talk.aborted)
            finally:
                self._turn = None
                self._login_turn.end()
                for asking in self._asking.values():
                    asking.cancel()
                self._asking.clear()

    async def _take_login_turn(self) -> logins.Turn:
        """Wait until no other run refreshes a login that this one needs."""
        folder = logins.real_folder(os.environ)
        if self._config.attach is not None or not logins.due_logins(folder):
            return logins.Turn()
        return await logins.take_turn(folder, logins.use_of(self._config, self._folder), lambda why: None)

    async def _until_over(
        self, talk: Conversation, prompt: str, config: RunConfig, timeout_s: float | None, turn: Turn
    ) -> None:
        options = options_of(config, [self._path_of(file) for file in config.files])
        try:
            with anyio.move_on_after(math.inf if timeout_s is None else timeout_s) as scope:
                await talk.send(prompt, options)
                await talk.wait_over()
        finally:
            if not talk.is_over:
                with anyio.move_on_after(ABORT_S, shield=True), suppress(ServerError):
                    await _end_turn(talk)
        if scope.cancelled_caught:
            raise OpenCodeTimeoutError(
                f"The turn was ended after {timeout_s:g} s.",
                timeout_s=timeout_s or 0.0,
                stderr="",
                events=turn.events,
                hint="Give it more time with timeout_s.",
            )

    def _config_of(self, run_cfg: RunConfig | None) -> RunConfig:
        """Give what holds for a prompt; refuse what cannot be had for a single one."""
        mine = self._config
        if run_cfg is None:
            self._config = replace(mine, files=(), command=None)  # They went with this prompt.
            return mine
        for words in check(run_cfg, may_ask=True):
            warn(words)
        usual, own, asked = RunConfig(), server_config(self._config), server_config(run_cfg)
        for each in fields(RunConfig):
            if each.name in ("permission", "tools") and not asks(run_cfg.permission):
                continue  # These a session can take as rules of its own.
            wanted = getattr(asked, each.name)
            if wanted not in (getattr(usual, each.name), getattr(own, each.name)):
                raise ConfigError(f"{each.name} is the server's: give it to the session, not to a prompt.")
        self._config = replace(
            mine,
            model=run_cfg.model or mine.model,
            agent=run_cfg.agent or mine.agent,
            variant=run_cfg.variant or mine.variant,
        )
        return replace(self._config, files=run_cfg.files, command=run_cfg.command)

    def _path_of(self, file: str | Path) -> str:
        return str(Path(self.workspace) / Path(file).expanduser())

    # What the agent asks

    async def _answer(self, talk: Conversation, turn: Turn, request: Request, scope: anyio.CancelScope) -> None:
        """Answer a request, unless somebody else does so sooner."""
        words = in_words(request)
        try:
            with scope:
                send_answer = await self._asker.answer(talk, request)
            if scope.cancelled_caught:
                return
            self._asking.pop(request.id, None)
            if not self._asker.has_somebody_for(request):
                turn.rejected.append(words)
            await send_answer()
        except ServerError:
            # It was answered elsewhere, or the server is gone, which is told otherwise.
            turn.rejected = [each for each in turn.rejected if each != words]
        except Exception as error:
            turn.trouble = error
            with suppress(ServerError):
                await talk.abort()

    # The conversation's sink

    def received(self, line: bytes) -> None:
        """Nothing is kept of what the server sent."""

    def printed(self, line: bytes) -> None:
        """Keep the line for the turn's result."""
        self._login_turn.printed(line)
        if self._turn is not None:
            self._turn.print(line)

    def happened(self, event: AnyServerEvent) -> None:
        """Have requests answered, and tell a stream what is under way."""
        match event:
            case PermissionAsked(request=request) | QuestionAsked(request=request):
                # Where we asked nothing, somebody else has who uses the session, and is asked.
                if self._turn is not None and self._talk is not None and self._group is not None:
                    scope = self._asking[request.id] = anyio.CancelScope()
                    self._group.start_soon(self._answer, self._talk, self._turn, request, scope)
            case RequestClosed(request_id=request_id):
                if asking := self._asking.pop(request_id, None):
                    asking.cancel()
            case _ if self._turn is not None and event.session_id == self.session_id:
                self._turn.show(event)

    def connection(self, trouble: str) -> None:
        """What was missed is fetched when the server is heard again."""


async def _end_turn(talk: Conversation) -> None:
    """Abort until it is over: a server may have taken a prompt that it has not begun to answer."""
    while not talk.is_over:
        await talk.abort()
        with anyio.move_on_after(ABORT_AGAIN_S):
            await talk.wait_over()
