"""Keeping secrets out of what is shown and written."""

from __future__ import annotations

from pathlib import Path

import pytest

from octui.client.config import RunConfig
from octui.plan.model import Plan, RunSpec
from octui.plan.secrets import MASK, mask, mask_text, masked_plan, plan_secrets, secret_values

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


@pytest.mark.parametrize(
    ("value", "masked", "secrets"),
    [
        ("https://me:pass-word@host/x", f"https://me:{MASK}@host/x", ["pass-word"]),
        ("https://host/x?api_key=abc&page=2", f"https://host/x?api_key={MASK}&page=2", ["abc"]),
        (["serve", "--token", "abc", "--port", "1"], ["serve", "--token", MASK, "--port", "1"], ["abc"]),
        (["serve", "--api-key=abc", "A_TOKEN=d"], ["serve", f"--api-key={MASK}", f"A_TOKEN={MASK}"], ["abc", "d"]),
        ("Bearer abc", f"Bearer {MASK}", ["abc"]),
        ("http://host:4096/path", "http://host:4096/path", []),
        ("git push --tokens", "git push --tokens", []),
    ],
)
def test_a_secret_within_an_address_or_an_argument_is_masked(value: object, masked: object, secrets: list[str]) -> None:
    assert mask({"a": value}) == {"a": masked}
    assert list(secret_values({"a": value})) == secrets


def test_a_prompt_is_kept_to_the_letter() -> None:
    assert mask({"prompt": "set token=abc"}) == {"prompt": "set token=abc"}


@pytest.mark.parametrize("text", ["x" * 500_000, "token" * 100_000, "passw" * 100_000])
def test_a_hostile_text_of_one_long_word_is_looked_through_in_one_go(text: str) -> None:
    assert mask({"a": f"{text} api_key=abc"}) == {"a": f"{text} api_key={MASK}"}
