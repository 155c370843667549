"""Ask several agents at once, one a folder: ``python examples/parallel.py FOLDER [FOLDER…]``."""

import asyncio
import sys

from octui import AsyncOpenCodeClient, OpenCodeError, RunConfig


async def main(workspaces: list[str]) -> None:
    """Run one agent a workspace, all at once, and print their answers in the order asked for."""
    client = AsyncOpenCodeClient(startup_concurrency=1, startup_delay_s=0.3)
    config = RunConfig(permission={"edit": "deny"})
    answers = await asyncio.gather(
        *(
            client.async_run("Explain this folder in three sentences.", folder, run_cfg=config, timeout_s=600)
            for folder in workspaces
        ),
        return_exceptions=True,
    )
    for folder, answer in zip(workspaces, answers, strict=True):
        if isinstance(answer, OpenCodeError):
            print(f"== {folder}: failed: {answer}")
        elif isinstance(answer, BaseException):
            raise answer
        else:
            print(f"== {folder} (${answer.total_cost:.4f})\n{answer.final_text}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or ["."]))
