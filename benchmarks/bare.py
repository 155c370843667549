"""What a client that does nothing but read gets of the same words from the same server: the floor for `serve.py`."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from stamps import MARK, since

from octui.client import catalogue, isolation
from octui.demo.model_server import MODEL, PROVIDER

_LISTENING = re.compile(rb"listening on (http://\S+)")


def heard_ms(
    binary: str,
    env: Mapping[str, str],
    config: Mapping[str, Any],
    folder: Path,
    *,
    agents: int,
    warm_up_s: float,
    seconds: float,
) -> list[float]:
    """Have agents talk on a server of opencode, and give how long each of their tokens took to a bare client.

    Args:
        binary: opencode.
        env: What octui would be started with.
        config: What opencode is given.
        folder: An empty one.
        agents: How many.
        warm_up_s: How long they talk before it counts, in seconds.
        seconds: How long it counts.
    """
    homes = isolation.prepare(folder, env, private_data=True, inherit_user_config=False)
    env = {**env, **homes.variables, "OPENCODE_CONFIG_CONTENT": json.dumps(config)}
    env |= catalogue.narrow(folder, homes, env)
    command = [binary, "serve", "--hostname=127.0.0.1", "--port=0"]
    with subprocess.Popen(command, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        url = next(told[1] for line in server.stdout if (told := _LISTENING.search(line))).decode()
        try:
            with httpx.Client(base_url=url, timeout=60) as client, client.stream("GET", "/global/event") as stream:
                for number in range(agents):
                    _ask(client, folder / f"w{number}")
                begin = time.time() + warm_up_s
                found: list[float] = []
                for data in stream.iter_bytes():
                    now = time.time()
                    if now > begin:
                        found += [since(float(mark), now) * 1000 for mark in MARK.findall(data)]
                    if now > begin + seconds:
                        return found
        finally:
            server.kill()
    raise RuntimeError("The server left.")


def _ask(client: httpx.Client, workspace: Path) -> None:
    workspace.mkdir()
    at = {"directory": str(workspace)}
    session = client.post("/session", params=at, json={}).json()["id"]
    model = {"providerID": PROVIDER, "modelID": MODEL}
    prompt = {"model": model, "parts": [{"type": "text", "text": "Talk."}]}
    client.post(f"/session/{session}/prompt_async", params=at, json=prompt).raise_for_status()
