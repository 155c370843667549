"""Look up the weather in ten cities with ten agents at once, and let one more compare what they found.

Usage: ``python examples/weather.py [CITY…] [--folder FOLDER] [--model PROVIDER/MODEL] [--sequential]
[--city-timeout SECONDS] [--summary-timeout SECONDS]``
"""

import argparse
import asyncio
import os
import sys

from octui import (
    AsyncOpenCodeClient,
    ConfigError,
    OpenCodeError,
    OpenCodeProcessError,
    OpenCodeTimeoutError,
    RunConfig,
)

CITIES = ["Beijing", "Cairo", "Lima", "London", "Mumbai", "Nairobi", "New York", "Oslo", "Sydney", "Tokyo"]


async def main() -> None:
    """Run one agent a city, then one that is given all their answers; a city that fails does not end the others."""
    parser = argparse.ArgumentParser(description="Compare the weather in several cities, one agent a city.")
    parser.add_argument("cities", nargs="*", metavar="CITY", default=CITIES)
    parser.add_argument("--folder", default=".", help="where the agents run; the project's opencode.json applies")
    parser.add_argument("--model", help="as provider/model; opencode's own choice by default")
    parser.add_argument("--sequential", action="store_true", help="one city after another, easier on rate limits")
    parser.add_argument("--city-timeout", type=float, default=300, metavar="SECONDS")
    parser.add_argument("--summary-timeout", type=float, default=300, metavar="SECONDS")
    options = parser.parse_args()

    client = AsyncOpenCodeClient()
    config = RunConfig(
        model=options.model,
        permission={"*": "deny", "webfetch": "allow", "websearch": "allow"},
        extra_env={"OPENCODE_ENABLE_EXA": os.environ.get("OPENCODE_ENABLE_EXA", "1")},  # opencode's web search
    )
    gate = asyncio.Semaphore(1 if options.sequential else len(options.cities))

    async def look_up(city: str) -> str | None:
        prompt = f"Look up the weather in {city} now. Answer in one line: sky, temperature in °C, wind."
        try:
            async with gate:
                result = await client.async_run(prompt, options.folder, run_cfg=config, timeout_s=options.city_timeout)
        except (OpenCodeProcessError, OpenCodeTimeoutError) as error:
            print(f"{city}: {error}", file=sys.stderr)
            return None
        answer = f"{city}: {result.final_text or 'no answer'}"
        print(answer, flush=True)
        return answer if result.final_text else None

    try:
        answers = await asyncio.gather(*(look_up(city) for city in options.cities))
        known = [answer for answer in answers if answer]
        if not known:
            sys.exit("There is nothing to compare.")
        prompt = "\n".join(["Compare the weather in these cities in three sentences; look nothing up.", *known])
        summary = await client.async_run(prompt, options.folder, run_cfg=config, timeout_s=options.summary_timeout)
    except (OpenCodeError, ConfigError) as error:
        sys.exit(str(error))
    print(f"\n{summary.final_text}")
    sys.exit(len(known) < len(answers))


if __name__ == "__main__":
    asyncio.run(main())
