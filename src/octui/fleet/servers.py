"""The servers of a session: one for all runs whose server-wide settings are equal, started when one is needed.

A server is ended when no run has needed it for a while, and with the session in any case; one that runs elsewhere is
used and never ended. A server that dies ends the turns that were under way on it; the next turn starts another one on
the same data home, with the sessions that were in it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from octui.client import compat
from octui.client.catalogue import brings_providers
from octui.client.command import ServerLogin, server_login
from octui.client.config import RunConfig
from octui.client.overrides import NO_AGENTS, NamedAgents, check_overrides
from octui.client.serve import server
from octui.client.serve.api import ServerApi
from octui.client.serve.background import background
from octui.client.serve.feed import EventFeed, listening
from octui.client.serve.server import ServerLaunch
from octui.client.serve.shares import server_config
from octui.encoding import encode_json
from octui.errors import OctuiError, ServerError
from octui.fleet.pacing import Gate
from octui.plan.model import RunSpec

LINGER_S = 30.0
"""How long a server stays when no run needs it: somebody may have read an answer and asks on."""

SERVER_LOG = "server.log"


@dataclass(eq=False, slots=True)
class Hosted:
    """A server that listens, and is listened to.

    Attributes:
        api: To ask it.
        feed: What happens on it.
        url: Where it is; empty for one of our own.
        pid: Its process; 0 for one that runs elsewhere.
        warnings: What was left out of the user's configuration.
        data: opencode's own folder of data and log; None for one that runs elsewhere.
        gone: Set when it is not there any more.
        why: One sentence about that.
    """

    api: ServerApi
    feed: EventFeed
    url: str = ""
    pid: int = 0
    warnings: tuple[str, ...] = ()
    data: Path | None = None
    gone: anyio.Event = field(default_factory=anyio.Event)
    why: str = ""


class _Key(NamedTuple):
    """What two runs must have in common to share a server."""

    settings: bytes
    has_all_models: bool
    named: NamedAgents = NO_AGENTS


@dataclass(eq=False, slots=True)
class _Place:
    """Where a server is, is about to be, or was."""

    key: _Key
    number: int
    users: int = 0
    ready: anyio.Event = field(default_factory=anyio.Event)
    changed: anyio.Event = field(default_factory=anyio.Event)
    hosted: Hosted | None = None
    error: OctuiError | OSError | None = None


class ServerPool:
    """Hands out servers.

    Args:
        binary: opencode.
        version: Its version.
        folder: Gives a folder for the data home and the log of a server, by its number.
        runs: The runs that may need one; they say which server has which number, in every process that takes them up.
        gate: Says when the next server may start: it takes what a run of its own does, its sessions little.
        linger_s: How long a server stays when no run needs it, in seconds.
    """

    def __init__(
        self,
        binary: Path,
        version: str,
        folder: Callable[[int], Path],
        runs: tuple[RunSpec, ...],
        *,
        gate: Gate | None = None,
        linger_s: float = LINGER_S,
    ) -> None:
        self._binary = binary
        self._version = version
        self._folder = folder
        self._gate = gate or Gate()
        self._linger_s = linger_s
        self._numbers: dict[bytes, int] = {}
        self._places: dict[_Key, _Place] = {}
        self._group: TaskGroup | None = None
        self._runs = [run for run in runs if run.backend == "serve"]
        for run in self._runs:
            self._number(_settings(run))

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Hand out servers for as long as the block runs; afterwards none of ours is left."""
        async with anyio.create_task_group() as group:
            self._group = group
            try:
                yield
            finally:
                self._group = None
                group.cancel_scope.cancel()

    @asynccontextmanager
    async def borrowed(
        self, run: RunSpec, folder: Path, wait: Callable[[str], None] = lambda why: None
    ) -> AsyncIterator[Hosted]:
        """Have a run's server for as long as the block runs.

        Args:
            run: The run.
            folder: Where it works.
            wait: Is told why a server that is started for it does not start yet.

        Raises:
            OctuiError: There is none to be had, and why.
        """
        place = await self._place(run, folder, wait)
        place.users += 1
        try:
            await place.ready.wait()
            if place.error is not None:
                raise place.error
            if place.hosted is None:
                raise ServerError("The session is ending.")
            yield place.hosted
        finally:
            place.users -= 1
            place.changed.set()

    async def _place(self, run: RunSpec, folder: Path, wait: Callable[[str], None]) -> _Place:
        """Find a run's server, or have one started.

        One that knows the models of a few providers will not do for a run whose folder brings in others. Where that is
        to be seen beforehand, the first server knows all; where it is not, as in a worktree of another commit, a second
        one is started, on the data home of the first.
        """
        settings = _settings(run)
        named, _ = await anyio.to_thread.run_sync(_named_agents, run.config, folder)
        is_bound = run.config.attach is not None or run.config.port is not None
        needs_all = is_bound or await anyio.to_thread.run_sync(brings_providers, folder)
        place = self._at_hand(settings, needs_all, named)
        if place is None:
            others = {other.workspace for other in self._runs if _settings(other) == settings}
            has_all = needs_all or await anyio.to_thread.run_sync(lambda: any(map(brings_providers, others)))
            # Another run may have had it started meanwhile.
            place = self._at_hand(settings, needs_all, named) or self._start(_Key(settings, has_all, named), run, wait)
        return place

    def _at_hand(self, settings: bytes, needs_all: bool, named: NamedAgents) -> _Place | None:
        return self._places.get(_Key(settings, True, named)) or self._places.get(_Key(settings, needs_all, named))

    def _start(self, key: _Key, run: RunSpec, wait: Callable[[str], None]) -> _Place:
        if self._group is None:
            raise ServerError("The session is ending.")
        place = self._places[key] = _Place(key, self._number(key.settings))
        self._group.start_soon(self._host, place, run, wait)
        return place

    def _number(self, settings: bytes) -> int:
        return self._numbers.setdefault(settings, len(self._numbers) + 1)

    async def _host(self, place: _Place, run: RunSpec, wait: Callable[[str], None]) -> None:
        try:
            if run.config.attach:
                await self._attach(place, server_login(run.config))
            else:
                await self._serve(place, run, wait)
        except (OctuiError, OSError) as error:
            place.error = error
        finally:
            self._retire(place)
            if place.hosted is not None:
                place.hosted.why = place.hosted.why or "the opencode server was ended"
                place.hosted.gone.set()
            place.ready.set()

    async def _attach(self, place: _Place, login: ServerLogin) -> None:
        from octui.client.serve.v1 import V1Api  # With httpx, which is of no use to runs without a server.

        api = V1Api(login.url, login.password, login.username)
        url = api.url
        try:
            version = await api.version()
            if not compat.can_be_served(version):
                raise ServerError(f"The server at {url} is opencode {version}, whose API octui does not know yet.")
            async with listening(api) as feed:
                place.hosted = Hosted(api, feed, url=url)
                place.ready.set()
                await self._until_unused(place)
        finally:
            with anyio.CancelScope(shield=True):
                await api.close()

    async def _serve(self, place: _Place, run: RunSpec, wait: Callable[[str], None]) -> None:
        if not compat.can_be_served(self._version):
            words = (
                compat.unsupported(self._version) or f"opencode {self._version} has a server octui does not know yet."
            )
            raise ServerError(words, hint='Use backend = "run".')
        for other in self._started_before(place):
            await other.ready.wait()  # Two that lay out one data home at the same time get in each other's way.
        home = self._folder(place.number)
        isolated = _is_isolated(run)
        launch = ServerLaunch(
            binary=self._binary,
            config=server_config(run.config),
            named=place.key.named,
            isolate_db=isolated,
            data_dir=home if isolated else None,
            log_path=home.with_name(f"{home.name}.log"),
            narrow_models=not place.key.has_all_models,
        )
        async with self._gate.passed(wait), server.running(launch) as running:
            self._gate.spoken()
            from octui.client.serve.v1 import V1Api

            api = V1Api(running.url, running.password)
            try:
                async with listening(api) as feed, background() as group:
                    hosted = Hosted(api, feed, pid=running.pid, warnings=running.warnings, data=running.data)
                    group.start_soon(self._watch, hosted, running, group.cancel_scope)
                    await feed.wait_connected()
                    place.hosted = hosted
                    place.ready.set()
                    await self._until_unused(place)
                if place.hosted is None:
                    raise ServerError(f"It was not heard: {hosted.why}.")
                self._retire(place)
            finally:
                with anyio.CancelScope(shield=True):
                    await api.close()

    def _started_before(self, place: _Place) -> list[_Place]:
        """Return the servers on the same data home that were started before one."""
        earlier = takewhile(lambda other: other is not place, self._places.values())
        return [other for other in earlier if other.key.settings == place.key.settings]

    async def _watch(self, hosted: Hosted, running: server.OpenCodeServer, scope: anyio.CancelScope) -> None:
        code = await running.wait()
        how = f"a signal ended it ({-code})" if code < 0 else f"exit code {code}"
        why = running.last_words
        hosted.why = f"the opencode server died: {how}{f': {why}' if why else ''}"
        hosted.gone.set()
        scope.cancel()

    async def _until_unused(self, place: _Place) -> None:
        """Wait until no run has needed it for a while."""
        while True:
            place.changed = anyio.Event()
            if place.users:
                await place.changed.wait()
                continue
            with anyio.move_on_after(self._linger_s) as scope:
                await place.changed.wait()
            if scope.cancelled_caught and not place.users:
                self._retire(place)
                return

    def _retire(self, place: _Place) -> None:
        """Hand it out no more."""
        if self._places.get(place.key) is place:
            del self._places[place.key]


def _named_agents(config: RunConfig, folder: Path) -> tuple[NamedAgents, bool]:
    return (NO_AGENTS, False) if config.attach else check_overrides(config, folder)


def _settings(run: RunSpec) -> bytes:
    """What of a run is its server's; the data home goes with it."""
    config: RunConfig = run.config
    if config.attach:
        return encode_json(["attach", config.attach, config.username, config.password])
    return encode_json(["own", server_config(config), _is_isolated(run)], enc_hook=str)


def _is_isolated(run: RunSpec) -> bool:
    """Whether it gets a private data home: one that goes on with an earlier session needs the database it is in."""
    return run.isolate_db and not (run.config.continue_session or run.config.session_id)
