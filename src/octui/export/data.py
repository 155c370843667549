"""A transcript as one JSON object: the structs of `octui.export.transcript`, texts as they were recorded.

It is all ASCII, so that no terminal acts on it and every encoding can hold it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from octui.export.transcript import VERSION, Transcript


def write(transcript: Transcript) -> Iterator[str]:
    """Give the object piece by piece, an entry a line."""
    yield f'{{"format": "octui transcript", "version": {VERSION}, "session": {_dumps(transcript.head)}, "runs": ['
    for number, run in enumerate(transcript.runs):
        yield f'{"," if number else ""}\n{_dumps(run)[:-1]}, "entries": ['
        for index, entry in enumerate(transcript.entries(run.name)):
            yield f"{',' if index else ''}\n{_dumps(entry)}"
        yield "]}"
    yield "]}\n"


def _dumps(value: Any) -> str:
    return json.dumps(msgspec.to_builtins(value))
