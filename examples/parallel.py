"""Ask several agents at once, one a folder, and print their answers in the order asked for.

Usage: ``python examples/parallel.py FOLDER [FOLDER…] [--model PROVIDER/MODEL]``, such as
``python examples/parallel.py services/api services/worker services/gateway``
"""

import argparse
import asyncio
import sys

from octui import AsyncOpenCodeClient, ConfigError, OpenCodeError, RunConfig


async def main() -> None:
    """Run one agent a folder, all at once; one that fails does not end the others."""
    parser = argparse.ArgumentParser(description="Ask several agents at once, one a folder.")
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    parser.add_argument("--model", help="as provider/model; opencode's own choice by default")
    options = parser.parse_args()

    client = AsyncOpenCodeClient(startup_concurrency=1, startup_delay_s=0.3)
    config = RunConfig(model=options.model, permission={"bash": "deny", "edit": "deny"})
    outcomes = await asyncio.gather(
        *(
            client.async_run(f"Explain {folder} in three sentences.", folder, run_cfg=config, timeout_s=600)
            for folder in options.folders
        ),
        return_exceptions=True,
    )
    failed = False
    for folder, outcome in zip(options.folders, outcomes, strict=True):
        if isinstance(outcome, OpenCodeError | ConfigError):
            failed = True
            print(f"{folder}: {outcome}", file=sys.stderr)
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            print(f"== {folder} (${outcome.total_cost:.4f})\n{outcome.final_text}")
    sys.exit(failed)


if __name__ == "__main__":
    asyncio.run(main())
