"""What becomes of an OAuth login that several real runs share, when it has expired as they start.

A scripted provider on loopback rotates refresh tokens, answers after ``--latency`` seconds and revokes a login whose
refresh token comes a second time. The runs start together, each with a private data home, with octui's turns at
refreshing logins and (``--without-turns``) as they would without. ``gitlab`` is a login in ``auth.json``, which
opencode refreshes before it lists models; ``mcp`` one in ``mcp-auth.json``, and each run calls a tool of the server.

Run it from anywhere; opencode is found in ``--binary``, ``OPENCODE_BINARY`` or ``tools/opencode``::

    .venv/bin/python benchmarks/logins.py
    .venv/bin/python benchmarks/logins.py --runs 8 --rounds 3 --without-turns

Printed is one line a round: refreshes that were granted and refused, whether the login is still there afterwards, how
many runs had what they needed the login for, and seconds until all were done.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tests.support.oauth_server import OAuthServer, write_logins  # noqa: E402

from octui import AsyncOpenCodeClient, OpenCodeError, RunConfig  # noqa: E402
from octui.client import logins  # noqa: E402
from octui.demo.model_server import OFFLINE_ENVIRONMENT, ModelServer, provider_config  # noqa: E402

LOCAL_OPENCODE = HERE.parent / "tools/opencode/node_modules/.bin/opencode"
NO_MODELS = HERE.parent / "tests/support/no_models.json"
KINDS = ("gitlab", "mcp")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--latency", type=float, default=0.3, help="seconds the provider takes to answer")
    parser.add_argument("--without-turns", action="store_true", help="let every run refresh when it wants to")
    parser.add_argument("--binary", default=os.environ.get("OPENCODE_BINARY") or str(LOCAL_OPENCODE))
    given = parser.parse_args(arguments)
    if given.without_turns:
        logins.try_turn = lambda folder, use: logins.Turn()
    for kind in KINDS:
        for _ in range(given.rounds):
            with tempfile.TemporaryDirectory(prefix="octui-bench-logins-") as folder:
                print(anyio.run(measure, kind, given.runs, given.latency, given.binary, Path(folder)), flush=True)


async def measure(kind: str, runs: int, latency_s: float, binary: str, folder: Path) -> str:
    """Run so many agents at once with an expired login, and say what became of it."""
    use_home(folder)
    data = folder / ".local/share/opencode"
    workspace = folder / "workspace"
    workspace.mkdir()
    with OAuthServer(answer_after_s=latency_s) as provider, ModelServer() as model:
        config: dict[str, Any] = provider_config(model.base_url)
        prompt = "SAY:ok"
        if kind == "mcp":
            login = provider.mcp_login(expires_in_s=-10, has_expired=True)
            file = write_logins(data, "mcp-auth.json", {"srv": login})
            config["mcp"] = {"srv": provider.mcp_config}
            prompt = "TOOL:srv_hello:{}\nSAY:ok"
        else:
            file = write_logins(data, "auth.json", {"gitlab": provider.gitlab_login(expires_in_s=-10)})
            config["provider"]["gitlab"] = {"npm": "gitlab-ai-provider", "models": {"m": {}}}
        client = AsyncOpenCodeClient(binary, startup_concurrency=0)
        done = 0

        async def one() -> None:
            nonlocal done
            try:
                result = await client.async_run(prompt, workspace, run_cfg=RunConfig(config_overrides=config))
            except OpenCodeError as error:
                print(error, file=sys.stderr)
            else:
                calls = [call["state"].get("output") for call in result.tool_calls]
                done += calls == ["hello from MCP"] if kind == "mcp" else True

        began = time.monotonic()
        async with anyio.create_task_group() as group:
            for _ in range(runs):
                group.start_soon(one)
        took_s = time.monotonic() - began
        kept = json.loads(file.read_text())
        access = kept.get("gitlab", {}).get("access") or kept.get("srv", {}).get("tokens", {}).get("accessToken", "")
        state = "kept" if provider.is_valid(access) else "LOST"
        return (
            f"{kind:7} {runs} runs: {provider.granted} granted, {provider.refused} refused, login {state}, "
            f"{done} of {runs} had what they needed, {took_s:.1f} s"
        )


def use_home(home: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("OPENCODE_", "XDG_"))]:
        del os.environ[name]
    os.environ.update(OFFLINE_ENVIRONMENT, HOME=str(home), BUN_TMPDIR=str(home), OPENCODE_MODELS_PATH=str(NO_MODELS))


if __name__ == "__main__":
    main()
