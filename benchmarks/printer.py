"""Stands in for opencode: prints events, each with the moment it was printed, at a given rate or as fast as it can.

``PRINT_RATE`` is how many a second, 0 for no limit; ``PRINT_SECONDS`` how long; ``PRINT_COUNTS`` a folder where each
process leaves the number it printed.
"""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

EVENTS = 4
WORDS = [random.randbytes(1 + number % 5).hex() for number in range(1000)]
"""No two answers are alike: what is on the screen changes as with agents, and not just here and there."""

BLOCK = 250
REFRESH_S = 0.05


def step() -> bytes:
    """Give the events of one step, `EVENTS` of them, about 330 bytes each."""
    now = time.time()
    head = f'"timestamp":{int(now * 1000)},"sessionID":"ses_1","part":'
    mark = f"@{now:.3f}@"
    words = " ".join(random.choices(WORDS, k=16))
    times = '"time":{"start":1,"end":2}'
    asked, title = f'"input":{{"command":"ls {words[:20]}"}}', f'"title":"ls {mark}"'
    state = f'{asked},"output":"{"x" * 300}",{title},"metadata":{{}},{times}'
    tokens = '"total":10,"input":5,"output":5,"reasoning":0,"cache":{"read":0,"write":0}'
    return (
        f'{{"type":"step_start",{head}{{"id":"prt_{0:0160}","type":"step-start"}}}}\n'
        f'{{"type":"tool_use",{head}{{"type":"tool","tool":"bash","state":{{"status":"completed",{state}}}}}}}\n'
        f'{{"type":"text",{head}{{"type":"text","text":"Hello there {mark} and {words}"}}}}\n'
        f'{{"type":"step_finish",{head}{{"reason":"stop","cost":0.01,"tokens":{{{tokens}}}}}}}\n'
    ).encode()


def main() -> None:
    """Print."""
    if sys.argv[1:] == ["--version"]:
        print("1.18.33")
        return
    rate, seconds = float(os.environ["PRINT_RATE"]), float(os.environ["PRINT_SECONDS"])
    started = time.time()
    printed, block, made = 0, b"", 0.0
    while (passed := time.time() - started) < seconds:
        if rate:
            os.write(1, step())
            printed += EVENTS
            time.sleep(max(0.0, printed / rate - passed))
            continue
        if passed - made > REFRESH_S or not block:
            block, made = step() * BLOCK, passed
        sys.stdout.buffer.write(block)
        printed += EVENTS * BLOCK
    sys.stdout.buffer.flush()
    (Path(os.environ["PRINT_COUNTS"]) / str(os.getpid())).write_text(str(printed))


if __name__ == "__main__":
    main()
