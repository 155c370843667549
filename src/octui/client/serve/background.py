"""Tasks that run beside a block and end with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup


@asynccontextmanager
async def background() -> AsyncIterator[TaskGroup]:
    """Give a group for tasks that are cancelled when the block is left.

    What the block raises comes out as it is: whoever catches it need not know that there are tasks.
    """
    raised: Exception | None = None
    async with anyio.create_task_group() as group:
        try:
            yield group
        except Exception as error:
            raised = error
        finally:
            group.cancel_scope.cancel()
    if raised is not None:
        raise raised
