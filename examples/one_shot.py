"""Ask one agent one thing and print what it came to: ``python examples/one_shot.py [FOLDER]``."""

import asyncio
import sys

from octui import AsyncOpenCodeClient, OpenCodeError, RunConfig


async def main(workspace: str) -> None:
    """Run a read-only agent in ``workspace``."""
    client = AsyncOpenCodeClient()
    config = RunConfig(permission={"bash": "deny", "edit": "deny"})
    try:
        result = await client.async_run(
            "Summarize the README in one sentence.", workspace, run_cfg=config, timeout_s=600
        )
    except OpenCodeError as error:
        sys.exit(str(error))
    print(result.final_text)
    print(f"{result.turns} turns, {result.token_usage.total} tokens, ${result.total_cost:.4f}", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "."))
