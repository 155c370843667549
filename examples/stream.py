"""Print each event as it arrives: ``python examples/stream.py [FOLDER]``."""

import asyncio
import json
import sys

from octui import AsyncOpenCodeClient, RunConfig


async def main(workspace: str) -> None:
    """Stream one run's events; leaving the loop early ends the agent and all it started."""
    client = AsyncOpenCodeClient()
    config = RunConfig(permission={"*": "allow", "edit": "deny"})
    async for event in client.async_stream("List the top-level files.", workspace, run_cfg=config):
        print(json.dumps(event))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "."))
