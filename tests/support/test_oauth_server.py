"""That the scripted OAuth provider is as strict as it is said to be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.oauth_server import OAuthServer


@pytest.fixture
def provider() -> Iterator[OAuthServer]:
    with OAuthServer() as server:
        yield server


def refresh(provider: OAuthServer, token: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return httpx.post(f"{provider.url}/oauth/token", data=form)


def call(provider: OAuthServer, access: str, method: str = "tools/list") -> httpx.Response:
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}
    return httpx.post(f"{provider.url}/mcp", json=body, headers={"Authorization": f"Bearer {access}"})


def test_refresh_rotates_tokens(provider: OAuthServer) -> None:
    access, token = provider.log_in()
    tokens = refresh(provider, token).json()
    assert tokens["refresh_token"] not in ("", token)
    assert call(provider, access).status_code == call(provider, tokens["access_token"]).status_code == 200
    assert refresh(provider, tokens["refresh_token"]).status_code == 200


def test_reused_token_revokes_the_family_and_no_other(provider: OAuthServer) -> None:
    _, token = provider.log_in()
    other, _ = provider.log_in()
    tokens = refresh(provider, token).json()
    assert refresh(provider, token).json()["error"] == "invalid_grant"
    assert refresh(provider, tokens["refresh_token"]).status_code == 400
    assert call(provider, tokens["access_token"]).status_code == 401
    assert call(provider, other).status_code == 200
    assert (provider.granted, provider.refused, provider.families_revoked) == (1, 2, 1)


def test_unknown_token_is_refused_and_revokes_nothing(provider: OAuthServer) -> None:
    access, _ = provider.log_in()
    assert refresh(provider, "made up").status_code == 400
    assert call(provider, access).status_code == 200
    assert provider.families_revoked == 0


def test_mcp_server_names_its_provider_to_whoever_has_no_token(provider: OAuthServer) -> None:
    refused = call(provider, "expired")
    where = refused.headers["WWW-Authenticate"].split('"')[1]
    issuer = httpx.get(where).json()["authorization_servers"][0]
    metadata = httpx.get(f"{issuer}/.well-known/oauth-authorization-server").json()
    assert metadata["token_endpoint"] == f"{provider.url}/oauth/token"
