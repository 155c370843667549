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

from octui.tui.app import OctuiApp, OctuiScreen  # noqa: E402


async def take(name: str, first: Callable[[OctuiApp], OctuiScreen], act: Act, size: tuple[int, int] = SIZE) -> None:
    """Run the app on its first screen, act on it as a user would, and save what is to be seen."""
    app = OctuiApp(first)
    async with app.run_test(size=size) as pilot:
        await pilot.pause(0.5)
        await act(pilot)
        await pilot.pause(0.5)
        svg = app.export_screenshot(title="octui")
    target = IMAGES / f"{name}.png"
    subprocess.run(
        ["rsvg-convert", "--zoom", "1.25", "--output", str(target)], input=svg.encode(), check=True, cwd=IMAGES
    )
    print(target.relative_to(ROOT))


def launcher(app: OctuiApp) -> OctuiScreen:
    """The launcher, with nothing configured."""
    from octui.tui.screens.launcher import LauncherScreen

    return LauncherScreen()


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

    async def filled(pilot: Pilot[int]) -> None:
        await pilot.press(*"Explain this service and list its three riskiest functions.")

    await take("dashboard", lambda app: app.open_dashboard(samples / "fix-a-bug"), nothing)
    await take("zoom", lambda app: app.open_dashboard(samples / "fix-a-bug"), zoomed)
    await take("attention", lambda app: app.open_dashboard(samples / "denied-retried-failed"), nothing)
    await take("replay", lambda app: app.open_replay(samples / "fix-a-bug"), halfway)
    await take("launcher", launcher, filled)


if __name__ == "__main__":
    asyncio.run(main())
