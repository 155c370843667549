"""The questions of the launcher: a line, a server, a look at what opencode will be given, a plan as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.types import CSSPathType
from textual.widgets import Input, Static

from octui.plan.secrets import MASK
from octui.tui.launch.servers import Kind, ServerRow, check_server, pairs_of, server_config, target_of
from octui.tui.text import clean, clean_line
from octui.tui.widgets.launcher.button import Button
from octui.tui.widgets.launcher.completing_input import CompletingInput
from octui.tui.widgets.launcher.field import Field
from octui.tui.widgets.typing_fields import TypingLine

_CANCEL: BindingType = Binding("escape", "give_up", "cancel", id="dialog.cancel")


class AskLineScreen(ModalScreen[str | None]):
    """Asks for a line; escape gives None.

    Args:
        title: What is asked for, clean text.
        text: What there is to know about it, clean text.
        check: Gives a sentence that says what is wrong with a line; empty where it is right.
        value: What the line holds at first.
        choices: Gives what could complete the line; called in a thread.
    """

    CSS_PATH: ClassVar[CSSPathType | None] = ["launcher_parts.tcss", "launcher_fields.tcss", "launcher_dialogs.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "cancel", priority=True, id="dialog.cancel")  # Before a list that is open.
    ]

    def __init__(
        self,
        title: str,
        text: str,
        check: Callable[[str], str],
        *,
        value: str = "",
        choices: Callable[[str], list[str]] = lambda _: [],
    ) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._check = check
        self._value = value
        self._choices = choices

    def compose(self) -> ComposeResult:
        """The question above the line."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="title")
            yield Static(Content(self._text), classes="text")
            yield Field("", CompletingInput(self._choices, value=self._value, id="line"), classes="bare")
            yield Static("enter accepts · esc goes back", classes="hint")

    def on_mount(self) -> None:
        """Take the keys."""
        self.query_one(CompletingInput).focus()

    @on(CompletingInput.Changed)
    def _typed(self) -> None:
        self.query_one(Field).remark("")

    @on(CompletingInput.Submitted)
    def _entered(self, event: CompletingInput.Submitted) -> None:
        if problem := self._check(event.value):
            self.query_one(Field).remark(problem)
        else:
            self.dismiss(event.value)

    def action_give_up(self) -> None:
        """Give nothing."""
        self.dismiss(None)


class PairRow(Horizontal):
    """A name and its value, which is masked while shown."""

    def __init__(self, name: str = "", value: str = "") -> None:
        super().__init__()
        self._name_typed = name
        self._value_typed = value

    def compose(self) -> ComposeResult:
        """Both lines."""
        yield TypingLine(self._name_typed, placeholder="name", classes="pair-name", select_on_focus=False)
        yield TypingLine(self._value_typed, placeholder="value or {env:NAME}", password=True, classes="pair-value")

    @property
    def pair(self) -> tuple[str, str]:
        """What is typed."""
        name, value = self.query(Input)
        return name.value.strip(), value.value


class ServerScreen(ModalScreen[ServerRow | None]):
    """Makes or edits an MCP server; escape gives None.

    Args:
        kind: Local (a command) or remote (a URL).
        row: The server to edit; None for a new one.
        taken: Names of other servers.
    """

    CSS_PATH: ClassVar[CSSPathType | None] = ["launcher_parts.tcss", "launcher_dialogs.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        _CANCEL,
        Binding("f5,ctrl+s", "accept", "accept", priority=True, id="server.accept"),
        Binding("ctrl+n", "more", "one more", priority=True, id="server.more"),
    ]

    def __init__(self, kind: Kind, row: ServerRow | None, taken: frozenset[str]) -> None:
        super().__init__()
        self._kind = kind
        self._row = row
        self._taken = taken

    def compose(self) -> ComposeResult:
        """The name, the command or URL, and a row for each variable or header."""
        row = self._row
        local = self._kind == "local"
        pairs = pairs_of(row) if row else {}
        with Vertical(classes="dialog wide"):
            yield Static(f"{'Edit the' if row else 'New'} {self._kind} MCP server", classes="title")
            with VerticalScroll(can_focus=False):
                yield Field(
                    "Name", TypingLine(row.name if row else "", placeholder="docs", id="name", select_on_focus=False)
                )
                example = "npx -y @scope/server" if local else "https://example.com/mcp"
                target = TypingLine(
                    target_of(row) if row else "", placeholder=example, id="target", select_on_focus=False
                )
                yield Field("Command" if local else "URL", target)
                rows = [PairRow(name, value) for name, value in [*pairs.items(), ("", "")]]
                yield Field("Environment" if local else "Headers", Vertical(*rows, id="pairs"))
            with Horizontal(classes="buttons"):
                yield Button("Accept  F5", id="accept", classes="main")
                yield Button("One more  ctrl+n", id="more")
            yield Static(
                f"Values are shown as {MASK} and not kept between launches; {{env:NAME}} is. esc goes back",
                classes="hint",
            )

    def on_mount(self) -> None:
        """Take the keys."""
        self.query_one("#name", Input).focus()

    @on(Input.Submitted)
    @on(Button.Pressed, "#accept")
    def action_accept(self) -> None:
        """Give the server, or say what is wrong."""
        problems: dict[str, str] = {}
        row = self._row
        try:
            target = self.query_one("#target", Input).value
            config = server_config(self._kind, target, self._pairs(), row.config if row else None)
        except ValueError as error:
            config = {"type": self._kind}
            problems["target"] = str(error)
        made = ServerRow(self.query_one("#name", Input).value.strip(), config, choice=row.choice if row else None)
        problems = check_server(made, self._taken) | problems
        for field in self.query(Field):
            field.remark(problems.get(field.field, ""))
        if not problems:
            self.dismiss(made)

    def _pairs(self) -> dict[str, str]:
        pairs = (row.pair for row in self.query(PairRow))
        return {name: value for name, value in pairs if name or value}

    @on(Button.Pressed, "#more")
    async def action_more(self) -> None:
        """One more variable or header."""
        row = PairRow()
        await self.query_one("#pairs").mount(row)
        row.query(Input).first().focus()

    def action_give_up(self) -> None:
        """Change nothing."""
        self.dismiss(None)


class SheetScreen(ModalScreen[bool]):
    """Shows text to read and scroll in; gives whether its button was pressed.

    Args:
        title: What it is, clean text.
        text: The text; cleaned here.
        button: What can be done about it; empty for nothing.
    """

    CSS_PATH: ClassVar[CSSPathType | None] = ["launcher_parts.tcss", "launcher_dialogs.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        _CANCEL,
        Binding("q", "give_up", "close", show=False),
        Binding("f5,ctrl+r", "accept", "accept", id="sheet.accept"),
        Binding("c,y", "copy", "copy", id="sheet.copy"),
    ]

    def __init__(self, title: str, text: str, button: str = "") -> None:
        super().__init__()
        self._title = title
        self._text = clean(text)
        self._button = button

    def compose(self) -> ComposeResult:
        """The text between its title and what can be done."""
        with Vertical(classes="dialog sheet"):
            yield Static(Content(self._title), classes="title")
            with VerticalScroll(id="sheet"):
                yield Static(Content(self._text), id="text")
            if self._button:
                with Horizontal(classes="buttons"):
                    yield Button(f"{self._button}  F5", id="accept", classes="main")
            yield Static("↑ ↓ scroll · c copies · esc goes back", classes="hint")

    def on_mount(self) -> None:
        """Take the keys."""
        self.query_one("#sheet").focus()

    def action_copy(self) -> None:
        """Copy the text as it is shown."""
        self.app.copy_to_clipboard(self._text)
        self.notify("Copied.", markup=False)

    @on(Button.Pressed, "#accept")
    def action_accept(self) -> None:
        """Answer yes, where there is something to answer."""
        if self._button:
            self.dismiss(True)

    def action_give_up(self) -> None:
        """Go back."""
        self.dismiss(False)


def problem_sheet(source: str, problems: Sequence[tuple[str, int | None, str]]) -> SheetScreen:
    """A sheet that lists a plan's mistakes, (where, line, sentence) each."""
    lines = [
        f"{f'line {line}' if line is not None else '':>9}  {clean_line(where)}\n{'':>11}{clean_line(sentence)}\n"
        for where, line, sentence in problems
    ]
    count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
    return SheetScreen(f"{clean_line(source)} has {count}", "\n".join(lines))
