"""What is left to do of a session that is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from octui.recording.facts import RunState

if TYPE_CHECKING:
    from octui.recording.session import Session


@dataclass(frozen=True, slots=True)
class Rest:
    """The runs of a session, in the plan's order.

    Attributes:
        anew: Those that did not succeed, and so begin anew.
        kept: Those that stay as they are: what succeeded, and forks, which a person asked for and can go on with.
    """

    anew: tuple[str, ...]
    kept: tuple[str, ...]


def rest_of(session: Session, *, as_if_over: bool = False) -> Rest:
    """Tell what begins anew when a session is resumed; nothing where it cannot be.

    Args:
        session: The session.
        as_if_over: Whether to tell it of a live session, too, as if its supervisor were gone.
    """
    if session.is_bare or (session.is_live and not as_if_over):
        return Rest((), session.run_names)
    status = session.status
    anew = tuple(
        name
        for name in session.run_names
        if not status.run(name).origin and status.run(name).state is not RunState.SUCCEEDED
    )
    return Rest(anew, tuple(name for name in session.run_names if name not in anew))
