"""What the launcher has done for it by other rooms, as one value, so that it can run on stand-ins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from octui.client.binary import binary_version, find_binary
from octui.discovery.config_files import FoundConfig, read_config
from octui.discovery.queries import Agent, Queries
from octui.install import install_opencode, installed_binary
from octui.paths import versions_file
from octui.plan.model import Plan


@dataclass(frozen=True, slots=True)
class Opencode:
    """The opencode that will run: where it is, and its version."""

    path: Path
    version: str


class Asking(Protocol):
    """What `octui.discovery.queries.Queries` answers."""

    def models(self, folder: Path) -> tuple[str, ...]:
        """The models opencode offers in a folder."""

    def agents(self, folder: Path, *, inherit: bool) -> tuple[Agent, ...]:
        """The agents opencode offers in a folder."""

    def close(self) -> None:
        """End what is being asked."""


def find_opencode(binary: str | None) -> Opencode:
    """Find opencode, the copy octui installed included.

    Raises:
        OpenCodeBinaryNotFoundError: There is none.
    """
    path = find_binary(binary, [installed_binary()])
    return Opencode(path, binary_version(path, versions_file()))


def start_session(plan: Plan, opencode: Opencode) -> Path:
    """Start a plan's supervisor and give the session's folder.

    Raises:
        OctuiError: It could not be started.
    """
    from octui.control.spawn import start_supervisor

    return start_supervisor(plan, binary=opencode.path)


@dataclass(frozen=True, slots=True)
class Services:
    """Calls that may take a while; the launcher makes them in threads.

    Attributes:
        find: Finds opencode; takes what ``--binary`` said.
        ask: Gives the questions to an executable.
        read_config: Reads opencode's configuration for a folder.
        start: Starts a session and gives its folder.
        install: Installs opencode for the user.
    """

    find: Callable[[str | None], Opencode] = find_opencode
    ask: Callable[[Path], Asking] = Queries
    read_config: Callable[[Path], FoundConfig] = read_config
    start: Callable[[Plan, Opencode], Path] = start_session
    install: Callable[[], Path] = install_opencode
