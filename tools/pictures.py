"""Take the pictures of docs/images from the running app: ``make pictures``.

Needs ``rsvg-convert`` (Debian: librsvg2-bin) to turn Textual's SVG export into PNG.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SIZE = (120, 40)

Act = Callable[["Pilot[int]"], Awaitable[None]]

os.environ["OCTUI_HOME"] = tempfile.mkdtemp(prefix="octui-pictures-")
os.environ.setdefault("COLORTERM", "truecolor")

from textual.pilot import Pilot  # noqa: E402

from octui.recording.session import Session  # noqa: E402
from octui.tui.app import OctuiApp, OctuiScreen  # noqa: E402
from octui.tui.screens.launcher import LauncherScreen  # noqa: E402


async def take(name: str, first: Callable[[OctuiApp], OctuiScreen], act: Act, size: tuple[int, int] = SIZE) -> None:
    """Run the app on its first screen, act on it as a user would, and save what is to be seen."""
    app = OctuiApp(first)
    async with app.run_test(size=size) as pilot:
        await pilot.pause(0.5)
        await act(pilot)
        await pilot.pause(0.5)
        # rsvg-convert drops the spaces at the ends of a text otherwise, and what follows moves.
        svg = app.export_screenshot(title="octui").replace("<text ", '<text xml:space="preserve" ')
    target = IMAGES / f"{name}.png"
    subprocess.run(["rsvg-convert", "--output", str(target)], input=svg.encode(), check=True, cwd=IMAGES)
    print(target.relative_to(ROOT))


def project() -> Path:
    """A folder with three services, to launch agents in."""
    base = Path(tempfile.mkdtemp(prefix="octui-pictures-")) / "shop"
    for name in ("api", "worker", "gateway"):
        (base / "services" / name).mkdir(parents=True)
    (base / "opencode.json").write_text(
        '{"permission": {"edit": "allow", "bash": {"*": "ask", "git *": "allow"}}, "mcp": {"docs": {"type": "remote",'
        ' "url": "https://docs.example/mcp", "headers": {"Authorization": "Bearer not-shown"}}}}'
    )
    return base


async def main() -> None:
    """Take every picture of the README."""
    if shutil.which("rsvg-convert") is None:
        sys.exit("rsvg-convert is missing. On Debian: apt-get install librsvg2-bin")
    IMAGES.mkdir(parents=True, exist_ok=True)
    samples = ROOT / "sample_sessions"

    async def nothing(pilot: Pilot[int]) -> None:
        pass

    async def zoomed(pilot: Pilot[int]) -> None:
        await pilot.press("z")

    async def halfway(pilot: Pilot[int]) -> None:
        await pilot.press("5", "space")

    async def table(pilot: Pilot[int]) -> None:
        await pilot.press("C")

    async def launcher_filled(pilot: Pilot[int]) -> None:
        await pilot.press(*"Explain this service and list its three riskiest functions.")
        await pilot.pause(4)

    fixed, troubled = Session.open(samples / "fix-a-bug"), Session.open(samples / "denied-retried-failed")
    await take("dashboard", lambda app: app.dashboard(fixed), nothing)
    await take("zoom", lambda app: app.dashboard(fixed), zoomed)
    await take("attention", lambda app: app.dashboard(troubled), nothing)
    await take("replay", lambda app: app.replay(fixed), halfway)
    compared = Session.open(samples / "compared")
    await take("compare", lambda app: app.dashboard(compared), table, (120, 20))
    base = project()
    await take("launcher", lambda app: LauncherScreen(base=base), launcher_filled)


if __name__ == "__main__":
    asyncio.run(main())
