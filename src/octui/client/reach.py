"""The server of a session: one of its own that is started, or one that runs already."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread

from octui import temporary
from octui.client import catalogue, compat
from octui.client.binary import binary_version, find_binary
from octui.client.client import AsyncOpenCodeClient, check_folder, warn, warn_of_missing
from octui.client.command import server_login
from octui.client.config import RunConfig
from octui.client.overrides import check_overrides
from octui.client.serve import server
from octui.client.serve.api import ServerApi
from octui.client.serve.server import OpenCodeServer, ServerLaunch
from octui.client.serve.shares import server_config
from octui.client.serve.v1 import V1Api
from octui.errors import ServerError


@asynccontextmanager
async def reach(
    client: AsyncOpenCodeClient, folder: Path, config: RunConfig
) -> AsyncIterator[tuple[ServerApi, OpenCodeServer | None]]:
    """Have a server that is known to answer, and the process it is, where it is one of our own.

    Args:
        client: Says which opencode is used, and whether its database is a private one.
        folder: Where the agent works.
        config: Says which server is used, or how one is started.

    Raises:
        ConfigError: The folder or a file cannot be used; nothing was started.
        OpenCodeBinaryNotFoundError: There is no opencode to run.
        ServerError: The server does not get ready, is not there, or is of a version that octui does not know.
    """
    async with AsyncExitStack() as stack:
        own: OpenCodeServer | None = None
        if config.attach is None:
            launch = await anyio.to_thread.run_sync(_prepare, client, folder, config)
            await warn_of_missing(config)
            own = await stack.enter_async_context(server.running(launch))
            for words in own.warnings:
                warn(words)
            api = V1Api(own.url, own.password)
        else:
            login = server_login(config)
            api = V1Api(login.url, login.password, login.username)
        stack.push_async_callback(_close, api)
        _check_version(await api.version())
        yield api, own


def _prepare(client: AsyncOpenCodeClient, folder: Path, config: RunConfig) -> ServerLaunch:
    check_folder(folder, config.files)
    binary = find_binary(client.binary)
    _check_version(binary_version(binary))
    temporary.sweep_stale()
    named, _ = check_overrides(config, folder)
    goes_on = config.continue_session or config.session_id is not None
    return ServerLaunch(
        binary=binary,
        config=server_config(config),
        named=named,
        isolate_db=client.isolate_db and not goes_on,
        narrow_models=not catalogue.brings_providers(folder),
    )


def _check_version(version: str) -> None:
    if not compat.can_be_served(version):
        raise ServerError(compat.unsupported(version) or f"opencode {version} has a server octui does not know yet.")


async def _close(api: ServerApi) -> None:
    with anyio.CancelScope(shield=True):
        await api.close()
