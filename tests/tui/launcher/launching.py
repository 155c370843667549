"""The launcher in tests: an application around it, and stand-ins for what other rooms do."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from tests.tui.driving import until
from textual.app import App
from textual.binding import BindingType
from textual.pilot import Pilot
from textual.widget import Widget

from octui.client.serve.events import Rule
from octui.discovery.config_files import FoundConfig, FoundServer
from octui.discovery.queries import Agent
from octui.errors import OctuiError, OpenCodeBinaryNotFoundError
from octui.paths import package_data_dir
from octui.plan.model import Plan
from octui.tui.app import OctuiApp
from octui.tui.launch.form import LaunchForm
from octui.tui.launch.services import Opencode, Services
from octui.tui.messages import Launched
from octui.tui.screens.launcher import LauncherScreen
from octui.tui.theming import DEFAULT_THEME, load_theme
from octui.tui.widgets.launcher.form_view import FormView

RULES = (Rule("*", "*", "allow"), Rule("external_directory", "*", "ask"), Rule("read", "*.env", "ask"))
TITLE = Agent("title", "primary", hidden=True)
SERVERS = (
    FoundServer("github", {"type": "local", "command": ["npx", "-y", "server-github"]}, "project"),
    FoundServer(
        "docs", {"type": "remote", "url": "https://docs.example/mcp", "headers": {"Authorization": "s3cret"}}, "user"
    ),
)


@dataclass
class World:
    """What the launcher meets, and what it did there.

    Attributes:
        version: Of opencode; empty where it is missing.
        refusal: What starting a session fails with.
        started: The plans that were started.
        installed: How often opencode was installed.
        closed: Whether what opencode was asked was ended.
    """

    version: str = "1.18.33"
    models_listed: tuple[str, ...] = ("acme/big", "acme/small")
    servers: tuple[FoundServer, ...] = SERVERS
    left_out: tuple[str, ...] = ()
    refusal: OctuiError | None = None
    started: list[Plan] = field(default_factory=list)
    installed: int = 0
    closed: bool = False

    @property
    def services(self) -> Services:
        return Services(
            find=self.find,
            ask=lambda _: self,
            read_config=lambda _: FoundConfig(self.servers, left_out=self.left_out),
            start=self.start,
            install=self.install,
        )

    def find(self, _binary: str | None) -> Opencode:
        if not self.version:
            raise OpenCodeBinaryNotFoundError("opencode was not found.")
        return Opencode(Path("/bin/opencode"), self.version)

    def start(self, plan: Plan, _opencode: Opencode) -> Path:
        if self.refusal is not None:
            raise self.refusal
        self.started.append(plan)
        return Path("/session")

    def install(self) -> Path:
        self.installed += 1
        self.version = "1.18.33"
        return Path("/bin/opencode")

    def models(self, _folder: Path) -> tuple[str, ...]:
        return self.models_listed

    def agents(self, _folder: Path, *, inherit: bool) -> tuple[Agent, ...]:
        return (Agent("build", "primary", RULES), Agent("plan", "primary"), Agent("general", "subagent"), TITLE)

    def close(self) -> None:
        self.closed = True


class LauncherApp(App[None]):
    """An application that has nothing but the launcher."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [*OctuiApp.BINDINGS]

    def __init__(
        self, base: Path, world: World | None = None, *, plan: Path | None = None, services: Services | None = None
    ) -> None:
        super().__init__()
        self.world = world or World()
        self.launched: list[Path] = []
        theme = load_theme(package_data_dir("themes") / f"{DEFAULT_THEME}.toml")
        self.register_theme(theme)
        self.theme = theme.name
        self._launcher = LauncherScreen(plan=plan, services=services or self.world.services, base=base)

    def exit(self, *args: Any, **options: Any) -> None:
        self._launcher.about_to_exit()
        super().exit(*args, **options)

    def on_mount(self) -> None:
        self.push_screen(self._launcher)

    @asynccontextmanager
    async def run_test(self, **options: Any) -> AsyncGenerator[Pilot[None], None]:
        """Run it, and hand it over once all fields are there."""
        async with super().run_test(**options) as pilot:
            await until(pilot, lambda: self.is_whole)
            yield pilot

    def on_launched(self, message: Launched) -> None:
        self.launched.append(message.session)

    @property
    def knows_models(self) -> bool:
        return bool(self._launcher._offers.models)

    @property
    def has_left(self) -> bool:
        return self._exit

    @property
    def parting_words(self) -> str:
        return self._launcher.parting_words()

    @property
    def is_checked(self) -> bool:
        return self._launcher._last_form == self.form

    @property
    def is_whole(self) -> bool:
        return any(view.is_whole for view in self._launcher.query(FormView))

    @property
    def form(self) -> LaunchForm:
        return self._launcher.query_one(FormView).form

    def fill(self, form: LaunchForm) -> None:
        self._launcher.query_one(FormView).show(form)

    def words(self, selector: str) -> str:
        """What a widget says; nothing while it is not there."""
        return "".join(str(widget.render()) for widget in self._launcher.query(selector).results(Widget))

    @property
    def can_launch(self) -> bool:
        return not self._launcher.query_one("#launch").disabled

    @property
    def told(self) -> list[str]:
        return [notification.message for notification in self._notifications]


def project(folder: Path) -> Path:
    """A folder with three services in it."""
    base = folder / "project"
    for name in ("api", "worker", "gateway"):
        (base / "services" / name).mkdir(parents=True)
    return base
