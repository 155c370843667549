"""Talk with one agent: a prompt, a permission it asks for, and a follow-up whose answer arrives word by word.

Usage: ``python examples/session.py [FOLDER] [PROMPT] [FOLLOW-UP] [--model PROVIDER/MODEL] [--attach URL]``

``--attach`` uses an ``opencode serve`` that runs already; its password is read from ``OPENCODE_SERVER_PASSWORD``.
"""

import argparse
import asyncio
import os
import sys

from octui import (
    AsyncOpenCodeClient,
    ConfigError,
    OpenCodeError,
    OpenCodeSession,
    Permission,
    Question,
    RunConfig,
)


async def on_permission(request: Permission) -> str:
    """Ask whoever sits at the terminal."""
    what = request.metadata.get("command") or ", ".join(request.patterns)
    print(f"{request.permission}: {what}", file=sys.stderr)
    answer = await asyncio.to_thread(input, "allow it? [y/N/a] ")
    return {"y": "once", "a": "always"}.get(answer.strip().lower(), "reject")


async def on_question(request: Question) -> list[list[str]]:
    """Ask each question; the answer is one of the labels, or words of one's own."""
    answers = []
    for item in request.questions:
        labels = ", ".join(option.label for option in item.options)
        answers.append([await asyncio.to_thread(input, f"{item.question} [{labels}] ")])
    return answers


async def main() -> None:
    """Ask two things in one session; leaving the block ends the server, and all it started."""
    parser = argparse.ArgumentParser(description="Talk with one agent.")
    parser.add_argument("folder", nargs="?", default=".")
    parser.add_argument("prompt", nargs="?", default="Run the tests of this project.")
    parser.add_argument("follow_up", nargs="?", default="Explain in one sentence what came of it.")
    parser.add_argument("--model", help="as provider/model; opencode's own choice by default")
    parser.add_argument("--attach", metavar="URL", help="a server that runs already")
    options = parser.parse_args()

    config = RunConfig(
        model=options.model,
        permission={"bash": "ask", "edit": "ask"},
        attach=options.attach,
        password=os.environ.get("OPENCODE_SERVER_PASSWORD") if options.attach else None,
    )
    session = OpenCodeSession(
        AsyncOpenCodeClient(),
        options.folder,
        run_cfg=config,
        on_permission=on_permission,
        on_question=on_question,
        timeout_s=600,
    )
    try:
        async with session:
            result = await session.send(options.prompt)
            print(result.final_text)
            async for event in session.stream(options.follow_up):
                if event["type"] == "delta" and event["kind"] == "text":
                    print(event["text"], end="", flush=True)
            print()
    except (OpenCodeError, ConfigError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    asyncio.run(main())
