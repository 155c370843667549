"""Print each event of a run as it arrives, one JSON object a line.

Usage: ``python examples/stream.py [FOLDER] [--model PROVIDER/MODEL]``
"""

import argparse
import asyncio
import json
import sys

from octui import AsyncOpenCodeClient, ConfigError, OpenCodeError, RunConfig


async def main() -> None:
    """Stream one run's events; leaving the loop early would end the agent and all it started."""
    parser = argparse.ArgumentParser(description="Print each event of a run as it arrives.")
    parser.add_argument("folder", nargs="?", default=".")
    parser.add_argument("--model", help="as provider/model; opencode's own choice by default")
    options = parser.parse_args()

    client = AsyncOpenCodeClient()
    config = RunConfig(model=options.model, permission={"*": "allow", "edit": "deny"})
    try:
        async for event in client.async_stream("List the top-level files.", options.folder, run_cfg=config):
            print(json.dumps(event), flush=True)
    except (OpenCodeError, ConfigError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    asyncio.run(main())
