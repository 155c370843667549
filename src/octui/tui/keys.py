"""Every command of the dashboard and the replay in one table: keys line, help and palette come from it.

The ids are what ``[keys]`` in ``settings.toml`` remaps.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        id: What a keymap calls it.
        keys: Textual's key names, separated by commas.
        action: The action it runs.
        label: The word or two on the keys line.
        help: What it does, as a sentence for the help and the palette.
        group: Its heading in the help.
        rank: Its place on the keys line, from 1; 0 keeps it off.
        display: How its keys are written in the help; empty for the keys themselves.
    """

    id: str
    keys: str
    action: str
    label: str
    help: str
    group: str
    rank: int = 0
    display: str = ""

    @property
    def binding(self) -> Binding:
        """The command as Textual binds it."""
        return Binding(
            self.keys,
            self.action,
            self.label,
            show=self.rank > 0,
            key_display=self.display or None,
            tooltip=self.help,
            id=self.id,
        )


PANES = "Panes"
TALK = "Talking to a run"
EVENTS = "Events"
RUNS = "Runs"
REPLAY = "Replay"
OCTUI = "octui"
GROUPS = (REPLAY, PANES, TALK, EVENTS, RUNS, OCTUI)

HELP = Command("app.help", "question_mark,f1", "help", "help", "Show every key.", OCTUI, 13, "? F1")
MESSAGES = Command("app.messages", "ctrl+l", "app.show_messages", "messages", "Show the last messages.", OCTUI)
EVERYWHERE = ((HELP, "show_help"), (MESSAGES, "show_messages"))
"""Commands that work on every screen and dialog, each with the application's action."""

_BOTH = (
    Command("pane.next", "tab", "next_pane(1)", "next", "Go to the next pane.", PANES, 1),
    Command("pane.previous", "shift+tab", "next_pane(-1)", "previous", "Go to the pane before.", PANES),
    Command("pane.up", "up", "move_focus('up')", "up", "Go to the pane above.", PANES),
    Command("pane.down", "down", "move_focus('down')", "down", "Go to the pane below.", PANES),
    Command("pane.zoom", "z", "zoom", "zoom", "Show one run alone, or all again.", PANES, 2),
    Command(
        "pane.attention",
        "exclamation_mark",
        "next_attention",
        "next alert",
        "Go to the run that waited longest.",
        PANES,
        3,
    ),
    Command("pane.seen", "v", "acknowledge", "seen", "Say that you saw why it needs you.", PANES, 3),
    Command("pane.back", "escape", "back", "back", "Leave the search, then the zoom.", PANES),
    Command("event.next", "j", "move_cursor(1)", "next event", "Go to the next event.", EVENTS),
    Command("event.previous", "k", "move_cursor(-1)", "event before", "Go to the event before.", EVENTS),
    Command("event.open", "enter", "open_event", "open", "Open or close the event.", EVENTS, 6),
    Command("event.open_all", "e", "toggle_all", "open all", "Open or close all events.", EVENTS),
    Command("event.raw", "o", "raw", "raw", "Show the event as printed.", EVENTS, 16),
    Command("event.copy", "y,c", "copy", "copy", "Copy the text of the event.", EVENTS, 15),
    Command("scroll.page_up", "pageup", "page(-1)", "page up", "Scroll up by a page.", EVENTS),
    Command("scroll.page_down", "pagedown", "page(1)", "page down", "Scroll down by a page.", EVENTS),
    Command("scroll.home", "home", "scroll_home", "start", "Go to the start of the run.", EVENTS),
    Command("scroll.end", "end", "scroll_end", "end", "Go to the end and follow it.", EVENTS),
    Command("search.open", "slash", "search", "search", "Search in the pane.", EVENTS, 7),
    Command("search.next", "n", "search_next(1)", "next match", "Go to the next match.", EVENTS),
    Command("search.previous", "N", "search_next(-1)", "match before", "Go to the match before.", EVENTS),
    Command("event.filter", "f", "filter", "filter", "Choose which events are shown.", EVENTS, 8),
    Command("session.resume", "R", "resume", "resume", "Run what did not succeed once more.", RUNS, 4),
    Command("run.diff", "d,D", "diff", "changes", "Show what the run changed.", RUNS, 12),
    Command("run.compare", "C", "compare", "compare", "Compare the runs in a table.", RUNS, 12),
    Command("app.theme", "t", "theme", "theme", "Choose a theme.", OCTUI, 14),
    Command("app.sessions", "ctrl+o", "sessions", "sessions", "Open another session.", OCTUI),
    Command("app.new", "ctrl+n", "app.new_session", "new", "Start a new session.", OCTUI),
    MESSAGES,
    HELP,
)

_LIVE_ONLY = (
    Command("pane.left", "left,h", "move_focus('left')", "left", "Go to the pane on the left.", PANES),
    Command("pane.right", "right,l", "move_focus('right')", "right", "Go to the pane on the right.", PANES),
    *(Command(f"pane.{n}", str(n), f"focus_number({n})", f"pane {n}", f"Go to pane {n}.", PANES) for n in range(1, 10)),
    Command("talk.answer", "a", "answer", "answer", "Answer what runs wait for.", TALK, 4),
    Command("talk.send", "i,colon", "send", "send", "Ask the run something more.", TALK, 5),
    Command("talk.send_all", "I", "send_all", "send all", "Ask all runs something more.", TALK, 11),
    Command("talk.abort", "x", "abort", "abort", "End its turn; the run stays.", TALK, 9),
    Command("talk.fork", "F", "fork", "fork", "Go on from here in a new run.", TALK),
    Command("talk.model", "M", "model", "model", "Choose its next model or agent.", TALK),
    Command("run.stop", "s", "stop", "stop", "Stop the run, after asking.", RUNS, 10),
    Command("run.restart", "r", "restart", "restart", "Start the run anew.", RUNS, 11),
    Command("session.stop_all", "S", "stop_all", "stop all", "Stop all runs, after asking.", RUNS),
    Command("app.quit", "q,ctrl+q", "leave", "quit", "Quit; asks where runs are active.", OCTUI, 17),
)

_REPLAY_ONLY = (
    Command("replay.play", "space", "play", "play", "Play, or pause.", REPLAY, 1),
    Command("replay.back", "left", "seek_by(-5)", "5 s back", "Go back by 5 seconds.", REPLAY),
    Command("replay.forward", "right", "seek_by(5)", "5 s on", "Go on by 5 seconds.", REPLAY),
    Command("replay.step_back", "comma", "step(-1)", "event back", "Go back by one event.", REPLAY),
    Command("replay.step", "full_stop", "step(1)", "event on", "Go on by one event.", REPLAY),
    Command("replay.faster", "plus,equals_sign", "speed(1)", "faster", "Twice as fast, up to 64×.", REPLAY),
    Command("replay.slower", "minus", "speed(-1)", "slower", "Half as fast, down to 0.5×.", REPLAY),
    Command("replay.fastest", "m", "fastest", "fastest", "As fast as it can, or 1× again.", REPLAY),
    Command("replay.gaps", "i", "gaps", "idle gaps", "Shorten idle gaps, or keep them.", REPLAY),
    Command("replay.go", "g", "go", "go to time", "Go to a time such as 1:30.", REPLAY),
    *(
        Command(f"replay.jump_{n}", str(n), f"jump({n})", f"{n}0 %", f"Go to {n * 10} % of the recording.", REPLAY)
        for n in range(10)
    ),
    Command("pane.left", "h", "move_focus('left')", "left", "Go to the pane on the left.", PANES),
    Command("pane.right", "l", "move_focus('right')", "right", "Go to the pane on the right.", PANES),
    Command("app.quit", "q,ctrl+q", "leave", "quit", "Leave the replay.", OCTUI, 17),
)

DASHBOARD_COMMANDS = (*_BOTH, *_LIVE_ONLY)
REPLAY_COMMANDS = (*_REPLAY_ONLY, *_BOTH)


def bindings(commands: tuple[Command, ...]) -> list[Binding]:
    """The commands as Textual binds them."""
    return [command.binding for command in commands]


_NAMES = {
    "exclamation_mark": "!",
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "comma": ",",
    "full_stop": ".",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "escape": "esc",
    "f1": "F1",
}


def key_name(key: str) -> str:
    """A key as a person knows it: ``!`` for ``exclamation_mark``."""
    return _NAMES.get(key, key)
