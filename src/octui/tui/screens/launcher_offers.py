"""What there is to choose from, for the launcher: opencode, its models and agents, and what its configuration holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual.screen import Screen

from octui.errors import OctuiError, OpenCodeBinaryNotFoundError

if TYPE_CHECKING:
    from octui.discovery.config_files import FoundConfig
    from octui.discovery.queries import Agent, Effective
    from octui.tui.launch.permissions import ToolRow
    from octui.tui.launch.services import Asking, Opencode, Services

DEFAULT_AGENT = "build"
"""opencode's default agent, and the one it takes for one that it does not know."""

News = Literal["opencode", "config", "agents", "models"]


class Offers:
    """Finds opencode and asks it, in threads.

    Args:
        screen: Whose threads they are.
        binary: The opencode to use; None to look for it.
        services: Gives what other rooms do for the launcher.
        heard: Called with what is known now, on the screen's own time; also where opencode is missing.
        tell: Tells the user a sentence, with ``warning`` or ``error`` where it is one.
        hand_over: Has a call made on the screen's own time; callable from threads.

    Attributes:
        opencode: The opencode that will run, once it is found.
        missing: Why there is none, as a sentence; empty while it is looked for.
        models: What opencode offers, where it was asked last.
        agents: The same.
        config: What opencode's configuration holds there.
    """

    def __init__(
        self,
        screen: Screen[None],
        binary: str | None,
        services: Callable[[], Services],
        *,
        heard: Callable[[News], None],
        tell: Callable[..., None],
        hand_over: Callable[..., None],
    ) -> None:
        self.opencode: Opencode | None = None
        self.missing = ""
        self.models: tuple[str, ...] = ()
        self.agents: tuple[Agent, ...] = ()
        self.config: FoundConfig | None = None
        self._screen = screen
        self._binary = binary
        self._services = services
        self._heard = heard
        self._tell = tell
        self._hand_over = hand_over
        self._asking: Asking | None = None
        self._asked_for: tuple[Path, bool] | None = None
        self.has_no_models = False
        """Whether opencode was asked for models, and had none."""

    def look_around(self) -> None:
        """Look for opencode."""
        self._in_thread(self._find, "opencode")

    def ask_about(self, folder: Path, *, inherit: bool) -> None:
        """Ask what applies in a folder, unless that is known."""
        if self._asked_for != (folder, inherit):
            self._asked_for = (folder, inherit)
            self._in_thread(partial(self._read_config, folder), "config")
            if self._asking is not None:
                self._in_thread(partial(self._ask, self._asking, folder, inherit), "ask")

    def close(self) -> None:
        """End what opencode is still being asked."""
        if self._asking is not None:
            self._asking.close()

    @property
    def first_model(self) -> str:
        """The model to begin with: the configured one where it is offered, or the first; empty where there is none."""
        configured = self.config.model if self.config else ""
        return configured if configured in self.models else next(iter(self.models), "")

    def match_models(self, typed: str) -> list[str]:
        """The models that could complete what is typed."""
        from octui.tui.widgets.launcher.completing_input import matching

        return matching(self.models, typed)

    def match_agents(self, typed: str) -> list[str]:
        """The agents that could complete what is typed."""
        from octui.tui.widgets.launcher.completing_input import matching

        offered = (agent.name for agent in self.agents if agent.mode != "subagent" and not agent.hidden)
        return matching(tuple(offered), typed)

    def inherited(self, agent_name: str, tools: tuple[ToolRow, ...]) -> dict[str, Effective]:
        """What inheriting a permission comes to for the agent that will run."""
        from octui.discovery.queries import effective

        agents = {agent.name: agent for agent in self.agents}
        agent = agents.get(agent_name) or agents.get(DEFAULT_AGENT)
        rules = agent.rules if agent else ()
        found = {row.tool: effective(rules, row.tool) for row in tools}
        return {tool: value for tool, value in found.items() if value is not None}

    def _in_thread(self, work: Callable[[], None], group: str) -> None:
        self._screen.run_worker(work, thread=True, exclusive=True, group=group)

    def _find(self) -> None:
        try:
            opencode = self._services().find(self._binary)
        except (OpenCodeBinaryNotFoundError, OSError) as error:
            self._hand_over(self._use_opencode, None, str(error))
        else:
            self._hand_over(self._use_opencode, opencode, "")

    def _use_opencode(self, opencode: Opencode | None, missing: str) -> None:
        self.opencode = opencode
        self.missing = missing
        if opencode is not None:
            self._asking = self._services().ask(opencode.path)
            self._asked_for = None
        self._heard("opencode")

    def _read_config(self, folder: Path) -> None:
        self._hand_over(self._use_config, self._services().read_config(folder))

    def _use_config(self, config: FoundConfig) -> None:
        for problem in set(config.problems) - set(self.config.problems if self.config else ()):
            self._tell(problem, "warning")
        self.config = config
        self._heard("config")

    def _ask(self, asking: Asking, folder: Path, inherit: bool) -> None:
        try:
            self._hand_over(self._use_agents, asking.agents(folder, inherit=inherit))
            self._hand_over(self._use_models, asking.models(folder))
        except OctuiError as error:
            self._hand_over(self._tell, str(error), "warning")

    def _use_agents(self, agents: tuple[Agent, ...]) -> None:
        self.agents = agents
        self._heard("agents")

    def _use_models(self, models: tuple[str, ...]) -> None:
        self.models = models
        self.has_no_models = not models
        self._heard("models")
