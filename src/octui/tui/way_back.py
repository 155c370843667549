"""What the terminal says once octui has left the screen: how to get back to what was shown."""

from __future__ import annotations

import shlex
from contextlib import suppress

from octui import paths
from octui.errors import OctuiError
from octui.recording.rest import rest_of
from octui.recording.session import Session
from octui.tui.text import clean_line


def way_back(session: Session, *, stopped: bool = False) -> str:
    """Name the commands that show a session again, a line each.

    Args:
        session: What was shown.
        stopped: Whether it was just told to stop, which may take its supervisor a moment.
    """
    with suppress(OctuiError, OSError):
        session.refresh()
    if session.is_gone:
        return ""
    is_own = session.folder.parent == paths.sessions_dir()
    name = shlex.quote(clean_line(session.folder.name if is_own else str(session.folder)))
    if session.is_live and not stopped:
        running = sum(not run.state.is_final for run in map(session.status.run, session.run_names))
        count = {0: "is still open", 1: "has 1 run that is still running"}.get(
            running, f"has {running} runs that are still running"
        )
        lines = [f"Session {name} {count}.", f"  octui attach {name}", f"  octui stop {name}"]
    else:
        lines = [f"  octui replay {name}"]
        if not stopped and rest_of(session).anew:
            lines.append(f"  octui resume {name}")
        if is_own:
            lines.insert(0, f"Session {name} has ended.")
    return "\n".join(lines)
