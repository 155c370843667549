"""One server of the real opencode for all tests of a process that need nothing of it but that it is there.

A start costs opencode three to four seconds of a processor.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anyio.from_thread import start_blocking_portal

from octui.client.config import RunConfig
from octui.client.serve.server import OpenCodeServer, ServerLaunch, running
from octui.client.serve.shares import server_config
from octui.demo.model_server import ModelServer, provider_config


@dataclass(frozen=True, slots=True)
class SharedServer:
    """A server that runs, and the scripted model its sessions ask.

    Attributes:
        server: The server.
        model: What it asked is in ``model.requests``.
    """

    server: OpenCodeServer
    model: ModelServer

    @property
    def place(self) -> dict[str, Any]:
        """What of a `RunConfig` brings a session to it."""
        return {"attach": self.server.url, "password": self.server.password}


@contextmanager
def shared(binary: Path) -> Iterator[SharedServer]:
    """Run a server, in a thread of its own, for as long as the block does."""
    with ModelServer() as model, start_blocking_portal() as portal:
        config = server_config(RunConfig(config_overrides=provider_config(model.base_url)))
        launch = ServerLaunch(binary=binary, config=config)
        with portal.wrap_async_context_manager(running(launch)) as server:
            yield SharedServer(server, model)
