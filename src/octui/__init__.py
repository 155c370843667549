"""octui: several opencode agents side by side, and the async client library under them.

The public names are loaded when they are first used, so that ``import octui`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from octui.client.client import AsyncOpenCodeClient
    from octui.client.config import RunConfig
    from octui.client.result import RunResult, TokenUsage
    from octui.client.serve.events import Permission, Question
    from octui.client.session import OpenCodeSession
    from octui.errors import (
        ConfigError,
        OctuiError,
        OpenCodeBinaryNotFoundError,
        OpenCodeError,
        OpenCodeProcessError,
        OpenCodeTimeoutError,
        ServerError,
    )

__version__ = "0.1.0"

__all__ = [
    "AsyncOpenCodeClient",
    "ConfigError",
    "OctuiError",
    "OpenCodeBinaryNotFoundError",
    "OpenCodeError",
    "OpenCodeProcessError",
    "OpenCodeSession",
    "OpenCodeTimeoutError",
    "Permission",
    "Question",
    "RunConfig",
    "RunResult",
    "ServerError",
    "TokenUsage",
    "__version__",
]

_HOMES = {
    "AsyncOpenCodeClient": "octui.client.client",
    "OpenCodeSession": "octui.client.session",
    "Permission": "octui.client.serve.events",
    "Question": "octui.client.serve.events",
    "RunConfig": "octui.client.config",
    "RunResult": "octui.client.result",
    "TokenUsage": "octui.client.result",
}


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(_HOMES.get(name, "octui.errors")), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
