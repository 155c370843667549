"""Long logs in the shape of opencode's, always the same, made fast."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

START_MS = 1_790_000_000_000
SESSION = "ses_df7500b5fffeqV9Ev0b9PDYTM7"
MESSAGE = "msg_208b006bf001p7OLbfWatxNDwA"
AT_ONCE = 10_000


def write_log(path: Path, events: int) -> None:
    """Write a log of so many events, 400 bytes a line in the mean; one in a hundred thousand has half a megabyte."""
    with path.open("wb") as file:
        lines: list[str] = []
        for line in _lines(events):
            lines.append(line)
            if len(lines) == AT_ONCE:
                file.write("".join(lines).encode())
                lines.clear()
        file.write("".join(lines).encode())


def _lines(events: int) -> Iterator[str]:
    chance = random.Random(1)
    time = START_MS
    for number in range(events):
        time += chance.randrange(1, 60)
        head = f'"timestamp":{time},"sessionID":"{SESSION}","part":{{"id":"prt_{number:024}","messageID":"{MESSAGE}"'
        match number % 5:
            case 0:
                snapshot = "bb32fc3a33472f58e4f187ada8bddba291ef6e69"
                yield f'{{"type":"step_start",{head},"snapshot":"{snapshot}","type":"step-start"}}}}\n'
            case 1 | 2:
                output = "line of output\\n" * (30_000 if number % 100_000 == 1 else chance.randrange(1, 12))
                state = (
                    f'"input":{{"command":"cat tally/{number}.py | wc -l"}},"output":"{output}","metadata":{{"exit":0}}'
                )
                times = f'"title":"cat tally/{number}.py","time":{{"start":{time - 50},"end":{time}}}'
                tool = f'"type":"tool","tool":"bash","state":{{"status":"completed",{state},{times}}}'
                yield f'{{"type":"tool_use",{head},{tool}}}}}\n'
            case 3:
                text = f"Answer number {number}. " + "More words. " * chance.randrange(1, 8)
                yield f'{{"type":"text",{head},"type":"text","text":"{text}","time":{{"start":1,"end":2}}}}}}\n'
            case _:
                reason = "stop" if number == events - 1 else "tool-calls"
                tokens = '"total":2476,"input":2460,"output":16,"reasoning":0,"cache":{"write":0,"read":0}'
                body = f'"reason":"{reason}","type":"step-finish","tokens":{{{tokens}}},"cost":0.0012'
                yield f'{{"type":"step_finish",{head},{body}}}}}\n'
