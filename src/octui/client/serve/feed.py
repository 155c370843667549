"""The one event stream of a server, shared by all its sessions; it survives a connection that breaks.

What a session missed meanwhile is fetched, and told as the events that would have told it. Whoever listens gets nothing
twice of what is whole, as `octui.client.serve.lines` writes each part once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import anyio

from octui.client.serve.api import Received, ServerApi
from octui.client.serve.background import background
from octui.client.serve.events import PermissionAsked, QuestionAsked, SessionOpened
from octui.errors import ServerError

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
CONNECT_WITHIN_S = 30.0
KNOWN_IDS = 4096
"""So many events are remembered, to tell one that is sent twice."""


class Listener(Protocol):
    """Who wants to know of a session; called from the task that reads the stream, in the order of the events."""

    @property
    def waiting(self) -> Collection[str]:
        """The ids of the requests it holds to wait for an answer."""

    def received(self, what: Received) -> None:
        """Something happened in the session, or in one of its subagents'."""

    def connection_lost(self, why: str) -> None:
        """Nothing is heard for the time being; ``why`` is one sentence."""

    def connection_back(self) -> None:
        """All that was missed has been told."""

    def give_up(self, why: str) -> None:
        """There is nothing more to be heard of it, ever; ``why`` is one sentence."""


@dataclass(frozen=True, slots=True)
class _Subscription:
    session_id: str
    directory: str
    listener: Listener


class EventFeed:
    """Hands what happens on a server to who listens to a session.

    Use `listening`.

    Args:
        api: The server.
    """

    def __init__(self, api: ServerApi) -> None:
        self._api = api
        self._subscriptions: dict[str, _Subscription] = {}
        self._known: OrderedDict[str, None] = OrderedDict()
        self._connected = anyio.Event()
        self._lost = ""

    @property
    def is_connected(self) -> bool:
        """Whether it hears the server."""
        return self._connected.is_set()

    async def wait_connected(self) -> None:
        """Wait until it hears the server.

        Raises:
            ServerError: It does not within `CONNECT_WITHIN_S`.
        """
        with anyio.move_on_after(CONNECT_WITHIN_S):
            await self._connected.wait()
            return
        raise ServerError(self._lost or "The opencode server sends no events.", is_gone=True)

    def subscribe(self, session_id: str, directory: str, listener: Listener) -> None:
        """Tell of a session from now on."""
        self._subscriptions[session_id] = _Subscription(session_id, directory, listener)

    def unsubscribe(self, session_id: str) -> None:
        """Tell of a session no more, nor of its subagents'."""
        gone = self._subscriptions.get(session_id)
        self._subscriptions = {key: each for key, each in self._subscriptions.items() if each is not gone}

    async def run(self) -> None:
        """Listen until cancelled, over as many connections as it takes."""
        pause_s = FIRST_PAUSE_S
        while True:
            why = "the opencode server ended the connection"
            try:
                async with self._api.events() as events:
                    async for what in events:
                        if not self._connected.is_set():
                            await self._begin()
                            pause_s = FIRST_PAUSE_S
                        self._hand_on(what)
            except ServerError as error:
                why = error.message
            self._lose(why)
            await anyio.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    async def _begin(self) -> None:
        """A connection stands: the server's first event says so. Fetch what was missed before it."""
        for each in self._roots():
            try:
                missed = await self._api.catch_up(each.session_id, each.directory, [*each.listener.waiting])
            except ServerError as error:
                if error.is_gone:
                    raise
                each.listener.give_up(error.message)  # It refuses this session; the others are none the worse for it.
                continue
            for what in missed:
                self._hand_on(what)
            each.listener.connection_back()
        self._lost = ""
        self._connected.set()

    def _lose(self, why: str) -> None:
        self._lost = why
        if self._connected.is_set():
            self._connected = anyio.Event()
            for each in self._roots():
                each.listener.connection_lost(why)

    def _roots(self) -> list[_Subscription]:
        return [each for key, each in self._subscriptions.items() if key == each.session_id]

    def _hand_on(self, what: Received) -> None:
        event = what.event
        if event is None or self._is_known(what.event_id):
            return
        if isinstance(event, SessionOpened) and event.parent_id in self._subscriptions:
            self._subscriptions[event.session_id] = self._subscriptions[event.parent_id]
        subscription = self._subscriptions.get(event.session_id)
        if not event.session_id and isinstance(event, PermissionAsked | QuestionAsked):
            roots = self._roots()
            subscription = (
                roots[0] if len(roots) == 1 else None
            )  # Without a session id; the agent blocks until it is answered.
        if subscription is not None:
            subscription.listener.received(what)

    def _is_known(self, event_id: str) -> bool:
        if not event_id:
            return False
        if event_id in self._known:
            return True
        self._known[event_id] = None
        if len(self._known) > KNOWN_IDS:
            self._known.popitem(last=False)
        return False


@asynccontextmanager
async def listening(api: ServerApi) -> AsyncIterator[EventFeed]:
    """Listen to a server for as long as the block runs."""
    feed = EventFeed(api)
    async with background() as group:
        group.start_soon(feed.run)
        yield feed
