"""Keeping secrets out of what is shown and written."""

from __future__ import annotations

from pathlib import Path

from octui.client.config import RunConfig
from octui.plan.model import Plan, RunSpec
from octui.plan.secrets import MASK, mask, mask_text, masked_plan, plan_secrets

CONFIG = RunConfig(
    model="a/b",
    password="server-password",
    extra_env={"SOME_NAME": "value-of-some-name", "REFERENCE": "{env:HOME}"},
    mcp={
        "far": {"type": "remote", "url": "https://x", "headers": {"Authorization": "Bearer far-away"}},
        "near": {"type": "local", "command": ["npx"], "environment": {"TOKEN": "near-by-token"}},
    },
    config_overrides={"provider": {"p": {"options": {"baseURL": "http://u", "apiKey": "key-of-provider"}}}},
)
SECRETS = {"server-password", "value-of-some-name", "Bearer far-away", "near-by-token", "key-of-provider"}


def plan(tmp_path: Path) -> Plan:
    return Plan(name="n", runs=(RunSpec(name="a", workspace=tmp_path, prompt="p", config=CONFIG),))


def test_no_secret_is_in_a_masked_plan_and_all_else_is(tmp_path: Path) -> None:
    text = repr(masked_plan(plan(tmp_path)))
    assert not [secret for secret in SECRETS if secret in text]
    assert all(word in text for word in ("https://x", "npx", "http://u", "SOME_NAME", "{env:HOME}", "'a/b'"))


def test_every_secret_is_found(tmp_path: Path) -> None:
    assert plan_secrets(plan(tmp_path)) >= SECRETS


def test_secrets_are_masked_in_any_text() -> None:
    assert mask_text("got Bearer far-away and key", {"Bearer far-away"}) == f"got {MASK} and key"


def test_keys_that_look_like_secrets_are_masked_however_deep() -> None:
    value = {"a": [{"api_key": "x", "clientSecret": "y", "name": "z"}], "max_tokens": 5}
    assert mask(value) == {"a": [{"api_key": MASK, "clientSecret": MASK, "name": "z"}], "max_tokens": 5}
