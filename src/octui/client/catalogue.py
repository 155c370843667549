"""opencode's list of models, cut down to the providers that a run can reach.

opencode 1.18 keeps the list of https://models.dev, 8,000 models of 220 providers, in ``~/.cache/opencode/models.json``,
and makes objects of all of them anew in every folder it works in: on a server that takes most of the time and half of
the memory of agents with little to say (``benchmarks/serve.py``). Then it offers those of the providers it has a key, a
login or a configuration for. The others can be left out beforehand; where that is not known for certain, the list is
left alone: an isolated run is known but for its project's configuration, and for what an organisation lays down.

How opencode finds providers was read in 1.18: ``Provider``, its list of loaders, and ``Config``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from glob import glob
from pathlib import Path

import msgspec

from octui.client.isolation import Homes
from octui.client.user_config import FOLDER_NAMES

ALWAYS = "opencode"
"""The provider whose free models need no key."""

OTHER_PREFIXES = {"GOOGLE_": ("GCP_", "GCLOUD_", "VERTEX_"), "CLOUDFLARE_": ("CF_",)}
"""Variables that serve a provider beside those the list names: with the first word of these, those that begin so."""

SOURCES = (
    "OPENCODE_AUTH_CONTENT",
    "OPENCODE_CONFIG",
    "OPENCODE_CONFIG_DIR",
    "OPENCODE_MODELS_PATH",
    "OPENCODE_MODELS_URL",
    "OPENCODE_TEST_MANAGED_CONFIG_DIR",
)
"""Variables by which a run gets its list, logins or configuration from elsewhere."""

MANAGED = (
    "/etc/opencode",
    "/Library/Application Support/opencode",
    "/Library/Managed Preferences/ai.opencode.managed.plist",
    "/Library/Managed Preferences/*/ai.opencode.managed.plist",
)
"""Where an organisation lays down configuration, as patterns."""

_BRINGS = re.compile(r"\b(?:provider|plugin)s?\b")


class _Provider(msgspec.Struct):
    env: list[str] = []


class _Config(msgspec.Struct):
    provider: dict[str, object] = {}
    model: str | None = None
    small_model: str | None = None
    plugin: object = None
    plugins: object = None
    providers: object = None

    @property
    def may_bring_more(self) -> bool:
        return any((self.plugin, self.plugins, self.providers))


def narrow(folder: Path, homes: Homes, environ: Mapping[str, str], model: str | None = None) -> dict[str, str]:
    """Write the list of those a run can reach.

    Args:
        folder: Where to.
        homes: The run's.
        environ: All its variables.
        model: The model it is told to use; opencode looks for names that are like it where it has no such one.

    Returns:
        The variable that makes opencode read it; nothing where the whole list may be needed, or there is none.

    Raises:
        OSError: It cannot be written.
    """
    elsewhere = any(environ.get(name) not in (None, "", homes.variables.get(name)) for name in SOURCES)
    if not homes.are_private or homes.brings_more or elsewhere or any(map(glob, MANAGED)):
        return {}
    try:
        providers = msgspec.json.decode(_cached(environ).read_bytes(), type=dict[str, msgspec.Raw])
        variables = {name: msgspec.json.decode(told, type=_Provider).env for name, told in providers.items()}
        logins = _logins(homes.data / "auth.json")
        given = msgspec.json.decode(environ.get("OPENCODE_CONFIG_CONTENT") or "{}", type=_Config)
    except (OSError, ValueError):
        return {}
    if given.may_bring_more or "wellknown" in logins.values():
        return {}
    configured = {*homes.providers, *given.provider}
    kept = reachable(variables, environ, {ALWAYS, *configured, *logins})
    models = [each for each in (model, given.model, given.small_model, *homes.models) if each]
    if any(each.partition("/")[0] not in kept | configured for each in models):
        return {}
    path = folder / "models.json"
    path.write_bytes(msgspec.json.encode({name: providers[name] for name in providers if name in kept}))
    return {"OPENCODE_MODELS_PATH": str(path)}


def reachable(providers: Mapping[str, Iterable[str]], environ: Mapping[str, str], named: Iterable[str]) -> set[str]:
    """Give the providers that a run can reach, rather too many than too few.

    Args:
        providers: The variables of each.
        environ: What is set.
        named: Providers it has a login or a configuration for; one of a family, such as ``google`` and
            ``google-vertex``, stands for all.
    """
    families = {name.partition("-")[0] for name in named}
    words = {_first_word(name) for name, value in environ.items() if value}
    words |= {word for word, others in OTHER_PREFIXES.items() if words.intersection(others)}
    return {
        name
        for name, variables in providers.items()
        if name.partition("-")[0] in families or words.intersection(map(_first_word, variables))
    }


def brings_providers(workspace: Path) -> bool:
    """Whether a project's own configuration may have providers or plugins, which may bring in some.

    opencode reads it in the folder it works in and in those above, up to the repository's.
    """
    return any(_has_sources(start) for start in {workspace, workspace.resolve()})


def _has_sources(workspace: Path) -> bool:
    for folder in (workspace, *workspace.parents):
        own = folder / ".opencode"
        if any(_is_there(own / name) for name in ("plugin", "plugins")):
            return True
        if any(_may_bring(within / name) for within in (folder, own) for name in FOLDER_NAMES):
            return True
        if _is_there(folder / ".git"):
            break
    return False


def _may_bring(path: Path) -> bool:
    try:
        return _BRINGS.search(path.read_text("utf-8", "replace")) is not None
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True


def _cached(environ: Mapping[str, str]) -> Path:
    cache = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or Path.home()) / ".cache"
    return Path(cache, "opencode", "models.json")


def _logins(path: Path) -> dict[str, str]:
    """Give the kind of login of each provider that has one."""
    try:
        return {name: login["type"] for name, login in msgspec.json.decode(path.read_bytes()).items()}
    except FileNotFoundError:
        return {}
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} holds no logins") from error


def _first_word(variable: str) -> str:
    word, separator, _ = variable.partition("_")
    return word + separator
