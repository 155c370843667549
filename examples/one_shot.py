"""Ask one agent one thing and print what it came to.

Usage: ``python examples/one_shot.py [FOLDER] [PROMPT] [--model PROVIDER/MODEL] [--mcp COMMAND]``

``--mcp`` gives the agent an MCP server, started in FOLDER. The one beside this file tells the time::

    python examples/one_shot.py . "What time is it?" --mcp "python3 examples/clock_server.py"
"""

import argparse
import asyncio
import shlex
import sys

from octui import AsyncOpenCodeClient, ConfigError, OpenCodeError, RunConfig


async def main() -> None:
    """Run a read-only agent."""
    parser = argparse.ArgumentParser(description="Ask one agent one thing and print what it came to.")
    parser.add_argument("folder", nargs="?", default=".")
    parser.add_argument("prompt", nargs="?", default="Summarize the README in one sentence.")
    parser.add_argument("--model", help="as provider/model; opencode's own choice by default")
    parser.add_argument("--mcp", metavar="COMMAND", help="command of a local MCP server, as one word")
    options = parser.parse_args()

    server = {"type": "local", "command": shlex.split(options.mcp), "enabled": True} if options.mcp else None
    config = RunConfig(
        model=options.model,
        agent="plan",
        permission={"bash": "deny", "edit": "deny"},
        mcp={"demo": server} if server else {},
    )
    client = AsyncOpenCodeClient()
    try:
        result = await client.async_run(options.prompt, options.folder, run_cfg=config, timeout_s=600)
    except (OpenCodeError, ConfigError) as error:
        sys.exit(str(error))
    print(result.final_text)
    for call in result.tool_calls:
        print(f"called {call['tool']}", file=sys.stderr)
    print(f"{result.turns} turns, {result.token_usage.total} tokens, ${result.total_cost:.4f}", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main())
