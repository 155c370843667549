from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.repository import make_repository
from tests.tui.driving import on_screen, until
from tests.tui.launcher.launching import LauncherApp, World, project
from textual import events
from textual.app import App
from textual.events import Paste
from textual.screen import Screen
from textual.widgets import Collapsible, Input, OptionList

from octui import paths
from octui.client.config import RunConfig
from octui.errors import ControlError
from octui.tui.launch import last_used, remembered_prompt
from octui.tui.launch.commands import HINTS
from octui.tui.launch.form import LaunchForm
from octui.tui.launch.permissions import PatternRow, ToolRow, complete_rows
from octui.tui.launch.servers import ServerRow
from octui.tui.launch.services import Services
from octui.tui.screens.dialogs import AskScreen
from octui.tui.screens.launcher_dialogs import AskLineScreen, ServerScreen, SheetScreen
from octui.tui.widgets.launcher.choice import WayChoice
from octui.tui.widgets.launcher.completing_input import CompletingInput
from octui.tui.widgets.launcher.field import Field
from octui.tui.widgets.launcher.form_view import FormView
from octui.tui.widgets.launcher.permission_table import PermissionTable
from octui.tui.widgets.launcher.server_list import ServerList
from octui.tui.widgets.launcher.tick import Tick
from octui.tui.widgets.launcher.workspace_field import Chips, WorkspaceField

pytestmark = pytest.mark.asyncio

FORM = LaunchForm(prompt="Explain.", workspaces=("services/api", "services/worker"))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return project(tmp_path)


async def test_typing_a_prompt_and_pressing_f5_starts_an_agent_here(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test() as pilot:
        assert not app.can_launch
        await pilot.press(*"Explain this.")
        await until(pilot, lambda: app.can_launch)
        await pilot.press("f5")
        await until(pilot, lambda: bool(app.launched))
    (plan,) = app.world.started
    assert [(run.prompt, run.workspace) for run in plan.runs] == [("Explain this.", base)]
    assert app.launched == [Path("/session")]
    assert app.world.closed


async def test_keys_that_come_before_the_other_fields_are_there_are_not_lost(base: Path) -> None:
    app = LauncherApp(base)
    async with App.run_test(app, size=(120, 40)) as pilot:
        await until(pilot, lambda: bool(app.screen.query("#prompt")) and app.screen.query_one("#prompt").has_focus)
        assert not app.is_whole
        for key in (events.Key("h", "h"), events.Key("i", "i"), events.Key("tab", "\t")):
            app.post_message(key)
        await until(pilot, lambda: app.is_whole and app.screen.query_one(WorkspaceField).line.input.has_focus)
        assert app.form.prompt == "hi"


async def test_launch_is_off_while_something_is_missing_and_f5_shows_where(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Enter a prompt" in app.words("#summary"))
        await pilot.press("tab", "f5")
        await until(pilot, lambda: app.screen.focused is not None and app.screen.focused.id == "prompt")
        field = next(field for field in app.screen.query(Field) if field.field == "prompt")
        assert field.has_class("-invalid")
    assert app.world.started == []


@pytest.mark.parametrize("last", [["enter"], []], ids=["entered", "typed"])
async def test_glob_replaces_the_default_folder(base: Path, last: list[str]) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(*"x", "tab", *"services/*", *last)
        await until(pilot, lambda: app.words("#summary").startswith("Will run 3 agents"))
        assert app.form.workspaces == ("services/*",)


async def test_chosen_current_folder_stays_beside_others(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("tab", "full_stop", "enter", *"services/*", "enter")
        assert app.form.workspaces == (".", "services/*")


async def test_folders_are_completed(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        line = app.screen.query_one(WorkspaceField)
        await pilot.press("tab", *"ser")
        await until(pilot, lambda: line.line.list_is_open)
        await pilot.press("down", "tab", "slash", "w")
        assert line.line.value == "services/w"
        await until(pilot, lambda: line.query_one(OptionList).option_count == 1 and line.line.list_is_open)
        await pilot.press("down", "enter")
        assert app.form.workspaces == ("services/worker",)


@pytest.mark.parametrize(
    ("keys", "left"),
    [
        (["backspace"], ("a", "b")),
        (["delete"], ("a", "b")),
        (["left", "left", "delete"], ("a", "c")),
        (["left", "left", "left", "left", "delete"], ("b", "c")),
        (["left", "left", "delete", "delete"], ("a",)),
        (["left", "right", "backspace"], ("a", "b")),
        (["left", "left", "x", "backspace", "backspace"], ("a", "b")),
        (["x", "left", "delete"], ("a", "b", "c")),
    ],
)
async def test_workspace_is_removed_by_one_key(base: Path, keys: list[str], left: tuple[str, ...]) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(replace(FORM, workspaces=("a", "b", "c")))
        app.screen.query_one(WorkspaceField).focus()
        await pilot.press(*keys)
        assert app.form.workspaces == left


async def test_workspace_is_removed_by_a_click_and_what_is_typed_stays(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(FORM)
        app.screen.query_one(WorkspaceField).focus()
        await pilot.press(*"ser")
        await pilot.click(Chips, offset=(20, 0))
        await until(pilot, lambda: app.form.workspaces == ("services/api", "ser"))


async def test_selected_workspace_moves_back_into_the_line(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(replace(FORM, workspaces=("a", "b")))
        app.screen.query_one(WorkspaceField).focus()
        await pilot.press("left", "left", "enter", *"pi", "enter")
        assert app.form.workspaces == ("b", "api")


async def test_every_bad_workspace_is_named_and_marked(base: Path) -> None:
    (base / "README.md").touch()
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(replace(FORM, workspaces=("services/api", "nowhere", "README.md", "x/*")))
        await until(pilot, lambda: "Folder not found: `nowhere`." in app.words("#summary"))
        await pilot.press("f8")
        words = "Folder not found: `nowhere`. Not a folder: `README.md`. No folder matches: `x/*`."
        field = next(field for field in app.screen.query(Field) if field.field == "workspaces")
        await until(pilot, lambda: str(field.words) == f"✗ {words}")
        colours = {part.text.strip(): part.style for part in app.screen.query_one(Chips).render_line(0) if part.style}
        assert colours["✗ nowhere"].color != colours["services/api"].color
        assert str(app.screen.query_one(Chips).render()) == "services/api ×   ✗ nowhere ×   ✗ README.md ×   ✗ x/* ×"
        app.screen.query_one(WorkspaceField).focus()
        await pilot.press("backspace", *"unfinished")
        words = "Folder not found: `nowhere`. Not a folder: `README.md`."
        await until(pilot, lambda: str(field.words) == f"✗ {words}")


async def test_pasted_lines_become_folders(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test() as pilot:
        await pilot.press("tab", "backspace", "backspace")
        assert isinstance(app.screen.focused, Input)
        app.screen.focused.post_message(Paste("services/api\nservices/worker\n"))
        await until(pilot, lambda: app.form.workspaces == ("services/api", "services/worker"))


async def test_the_first_run_fills_in_what_was_found(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.form.model == "acme/big")
        assert app.form.workspaces == (".",)
        await until(pilot, lambda: "opencode 1.18.33 · 2 models" in app.words("#head"))
        assert not app.screen.query_one("#notice").display


async def test_the_first_run_tells_of_the_demo_where_there_is_no_model(base: Path) -> None:
    app = LauncherApp(base, World(models_listed=()))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one("#notice").display)
        assert "octui demo" in app.words("#notice-text")


async def test_what_runs_do_not_get_of_the_users_configuration_is_said_until_it_is_kept(base: Path) -> None:
    app = LauncherApp(base, World(left_out=("plugin", "agent")))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Not used from your opencode configuration: plugin" in app.words("#notice-text"))
        await until(pilot, lambda: bool(app.screen.query("#inherit")))
        app.screen.query_one("#inherit", Tick).value = True
        await until(pilot, lambda: not app.screen.query_one("#notice").display)


@pytest.mark.parametrize("key", ["f7", "enter"])
async def test_the_further_fields_come_into_sight_when_they_are_opened(base: Path, key: str) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(replace(FORM, prompt="line\n" * 12))
        await until(pilot, lambda: app.can_launch)
        assert app.screen.focused is app.screen.query_one("#prompt")
        if key == "enter":
            app.screen.query_one("#more CollapsibleTitle").focus()
        await pilot.press(key)
        body, last = app.screen.query_one("#body"), app.screen.query_one("#inherit")
        await until(pilot, lambda: bool(last.size) and body.region.contains_region(last.region))
        assert body.region.contains_region(app.screen.query_one("#title").region)


async def test_escape_goes_back_from_a_question_at_once_whatever_is_typed_there(base: Path) -> None:
    (base / "mine.toml").write_text("")
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(app.screen, AskLineScreen))
        await pilot.press(*"mi")
        await until(pilot, lambda: app.screen.query_one(CompletingInput).list_is_open)
        await pilot.press("escape")
        assert not isinstance(app.screen, AskLineScreen)


async def test_the_last_used_values_come_back_without_secrets(base: Path) -> None:
    app = LauncherApp(base)
    server = ServerRow("mine", {"type": "remote", "url": "https://x.y", "headers": {"Authorization": "s3cret"}})
    async with app.run_test() as pilot:
        app.fill(LaunchForm(prompt="Explain.", workspaces=("services/api",), servers=(server,), timeout="5"))
        await until(pilot, lambda: app.can_launch)
        await pilot.press("f5")
        await until(pilot, lambda: bool(app.launched))
    again = LauncherApp(base)
    async with again.run_test() as pilot:
        assert again.form.prompt == "Explain."
        assert again.form.timeout == "5"
        assert not again.screen.query_one("#notice").display
        await until(pilot, lambda: "mine" in again.words("#summary"))
        assert not again.can_launch
    assert "s3cret" not in str(last_used.load(base))


async def typed_and_left(base: Path, keys: Sequence[str] = (), form: LaunchForm | None = None) -> LauncherApp:
    """Fill in a form, leave the launcher with ctrl+q, and return the application that was left."""
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        if form is not None:
            app.fill(form)
        await pilot.press(*keys, "ctrl+q")
        await until(pilot, lambda: app.has_left)
    return app


DRAFT = replace(
    FORM,
    model="acme/small",
    tools=complete_rows([ToolRow("edit", "deny")]),
    servers=(ServerRow("mine", {"type": "remote", "url": "https://x.y", "headers": {"A": "s3cret"}}),),
)


async def test_form_comes_back_in_its_folder_alone(base: Path) -> None:
    """Nothing that was launched or left in one folder appears in another, but for the model."""
    app = LauncherApp(base)
    server = ServerRow("mine", {"type": "local", "command": ["x"]})
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(replace(DRAFT, prompt="Launched.", servers=(server,)))
        await until(pilot, lambda: app.can_launch)
        await pilot.press("f5")
        await until(pilot, lambda: bool(app.launched))
    await typed_and_left(base, form=DRAFT)
    there = LauncherApp(project(base / "other"))
    async with there.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "github" in there.words("#servers"))
        assert last_used.values_of(there.form) == last_used.values_of(LaunchForm(workspaces=(".",), model="acme/small"))
        assert there.told == []
        await pilot.press("ctrl+q")
    again = LauncherApp(base)
    async with again.run_test(size=(120, 40)) as pilot:
        assert last_used.values_of(again.form) == last_used.values_of(DRAFT)


async def test_model_used_elsewhere_is_left_to_opencode_where_it_is_not_offered(base: Path) -> None:
    last_used.save_launched(replace(FORM, model="acme/gone"), (), base / "elsewhere")
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "2 models" in app.words("#head"))
        assert app.form.model == ""
        await pilot.press("escape")  # And that is no change of the user's.
        await until(pilot, lambda: app.has_left)


@pytest.mark.parametrize("key", ["ctrl+q", "ctrl+c"])
async def test_keys_that_quit_keep_what_is_typed(base: Path, key: str) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(*"Explain this.", key)
        await until(pilot, lambda: app.has_left)
    assert "Your draft is kept." in app.parting_words
    again = LauncherApp(base)
    async with again.run_test(size=(120, 40)) as pilot:
        assert again.form.prompt == "Explain this."
        await until(pilot, lambda: bool(again.told))
        assert again.told == ["Your draft for this folder is back. F9 clears the form."]
        await pilot.press(*" More.", "ctrl+q")
        await until(pilot, lambda: again.has_left)
    assert remembered_prompt.load(base) == "Explain this. More."


@pytest.mark.parametrize("key", ["ctrl+q", "ctrl+c", "escape"])
async def test_untouched_form_is_left_at_once_and_keeps_nothing(base: Path, key: str) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.form.model == "acme/big")
        await pilot.press(key)
        await until(pilot, lambda: app.has_left)
    assert app.parting_words == ""
    assert last_used.load(base) == last_used.Remembered()


@pytest.mark.parametrize(("answer", "leaves"), [("q", True), ("enter", True), ("s", False), ("escape", False)])
async def test_escape_asks_before_it_quits_a_form_that_was_filled_in(base: Path, answer: str, leaves: bool) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("x")
        await until(pilot, lambda: remembered_prompt.load(base) == "x")  # It is asked also where it is kept already.
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        assert not app.has_left
        await pilot.press(answer)
        await until(pilot, lambda: app.has_left or not isinstance(app.screen, AskScreen))
        assert app.has_left == leaves
    assert remembered_prompt.load(base) == "x"


async def test_escape_closes_an_open_list_first(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "models" in app.words("#head"))
        model = app.screen.query_one("#model", CompletingInput)
        model.focus()
        await pilot.press("down")
        await until(pilot, lambda: model.list_is_open)
        await pilot.press("escape")
        assert not model.list_is_open
        assert not app.has_left
        assert not isinstance(app.screen, AskScreen)


async def test_ctrl_c_copies_what_is_selected(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(*"Explain", "shift+left", "shift+left", "ctrl+c")
        assert app.clipboard == "in"
        assert not app.has_left


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((24, 8), ["launch"]),
        ((40, 12), ["quit", "launch"]),
        ((60, 20), ["quit", "preview", "launch"]),
        ((80, 24), ["quit", "preview", "open", "save", "launch"]),
        ((120, 40), ["quit", "preview", "open", "save", "launch"]),
        ((200, 60), ["quit", "preview", "open", "save", "launch"]),
    ],
)
async def test_launch_is_visible_at_every_size(base: Path, size: tuple[int, int], shown: list[str]) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=size) as pilot:

        def visible() -> list[str | None]:
            buttons = app.screen.query("#buttons Button").results()
            words = {button.id: str(button.render()) for button in buttons if button.display}
            last = on_screen(app).splitlines()[-1]
            return [name for name in words if words[name].strip() in last]

        await until(pilot, lambda: visible() == shown)
        await pilot.resize_terminal(200, 60)
        await until(pilot, lambda: len(visible()) == 5)
        await pilot.resize_terminal(*size)
        await until(pilot, lambda: visible() == shown)


async def test_quit_button_quits(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("x")
        await pilot.click("#quit")
        await until(pilot, lambda: app.has_left)
    assert remembered_prompt.load(base) == "x"


async def test_draft_says_what_of_it_is_not_kept(base: Path) -> None:
    await typed_and_left(base, form=replace(DRAFT, base=RunConfig(attach="http://h:1")))
    again = LauncherApp(base)
    async with again.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: bool(again.told))
        (told,) = again.told
        assert "Values of MCP headers" in told
        assert "open the plan again" in told
    assert "s3cret" not in "".join(path.read_text() for path in paths.data_dir().rglob("*.json"))


async def test_cleared_form_is_no_draft(base: Path) -> None:
    await typed_and_left(base, ["x"])
    app = await typed_and_left(base, ["f9"])
    assert app.parting_words == ""
    assert remembered_prompt.load(base) == ""


async def test_form_is_kept_without_quitting_and_when_another_session_is_opened(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(*"ab")
        await until(pilot, lambda: remembered_prompt.load(base) == "ab")
        await pilot.press("c")
        await until(pilot, lambda: app.form.prompt == "abc" and app.is_checked)
        await app.switch_screen(Screen())
    assert remembered_prompt.load(base) == "abc"


async def test_launched_form_is_no_draft(base: Path) -> None:
    await typed_and_left(base, ["x"])
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.can_launch)
        await pilot.press("f5")
        await until(pilot, lambda: bool(app.launched))
        assert app.parting_words == ""
    remembered = last_used.load(base)
    assert remembered.draft is None
    assert remembered.launched is not None
    assert remembered.launched.prompt == "x"


async def test_quitting_asks_where_the_form_cannot_be_kept(base: Path) -> None:
    paths.data_dir().mkdir(parents=True)
    (paths.data_dir() / remembered_prompt.FOLDER).touch()
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("x", "ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("s", "ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("q")
        await until(pilot, lambda: app.has_left)


async def test_inherit_shows_what_it_comes_to(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "inherit (allow, not *.env)" in app.words("#tools"))
        assert "inherit (ask)" in app.words("#tools")
        app.screen.query_one(WayChoice).value = "run"
        await until(pilot, lambda: "inherit (ask, so rejected)" in app.words("#tools"))


async def test_hidden_agents_are_not_offered_and_run_where_they_are_named(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "models" in app.words("#head"))
        agent = app.screen.query_one("#agent", CompletingInput)
        agent.focus()
        await pilot.press("down")
        await until(pilot, lambda: agent.list_is_open)
        choices = agent.query_one(OptionList)
        assert [str(option.prompt) for option in choices.options] == ["build", "plan"]
        app.fill(replace(FORM, agent="title"))
        await until(pilot, lambda: app.can_launch)
        assert not app.screen.query_one("#row-remarks").display


async def test_permissions_are_set_by_keys_and_patterns_are_asked_for(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(FORM)
        table = app.screen.query_one(PermissionTable)
        table.focus()
        await pilot.press("down", "d", "down", "down", "down", "down", "a", "p")
        await until(pilot, lambda: isinstance(app.screen, AskLineScreen))
        await pilot.press("enter")
        assert app.screen.query_one(Field).has_class("-invalid")
        await pilot.press(*"git push *", "enter")
        await until(pilot, lambda: not isinstance(app.screen, AskLineScreen))
        rows = {row.tool: row for row in app.form.tools if row.is_set}
        assert rows["edit"].action == "deny"
        assert (rows["bash"].action, rows["bash"].patterns) == ("allow", (PatternRow("git push *", "deny"),))
        await pilot.press("right")
        assert (
            app.form.tools[table.tools.index(next(t for t in table.tools if t.tool == "bash"))].patterns[0].action
            == "allow"
        )
        await pilot.press("x")
        assert not next(row for row in app.form.tools if row.tool == "bash").patterns


async def test_a_click_on_a_permission_changes_it(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.click("#tools", offset=(26, 2))
        assert app.form.tools[2].action == "allow"


async def test_servers_of_the_configuration_are_switched_and_new_ones_added(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(FORM)
        servers = app.screen.query_one(ServerList)
        await until(pilot, lambda: len(servers.servers) == 2)
        assert "[x] github" in app.words("#servers")
        assert "[ ] docs" in app.words("#servers")
        assert "s3cret" not in app.words("#servers")
        servers.focus()
        await pilot.press("space", "down", "space", "l")
        await until(pilot, lambda: isinstance(app.screen, ServerScreen))
        await pilot.press(*"mine", "tab", *"npx 'a b'", "tab", *"TOKEN", "tab", *"v4lue", "enter")
        await until(pilot, lambda: not isinstance(app.screen, ServerScreen))
        await until(pilot, lambda: app.can_launch)
        await pilot.press("f5")
        await until(pilot, lambda: bool(app.world.started))
    mcp = app.world.started[0].runs[0].config.mcp
    assert mcp["github"] == {"enabled": False}
    assert mcp["docs"]["enabled"] is True
    assert mcp["docs"]["url"] == "https://docs.example/mcp"
    assert mcp["mine"] == {"type": "local", "command": ["npx", "a b"], "environment": {"TOKEN": "v4lue"}}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("npx 'a", ["✗ Enter a name.", "✗ A quote is not closed.", ""]),
        ("npx a\\", ["✗ Enter a name.", "✗ It ends with a backslash that escapes nothing.", ""]),
        ("''", ["✗ Enter a name.", "✗ A local server needs the command that starts it.", ""]),
    ],
)
async def test_server_errors_name_what_is_wrong(base: Path, typed: str, words: list[str]) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.screen.query_one(ServerList).focus()
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, ServerScreen))
        await pilot.press("tab", *typed, "f5")
        assert [str(field.words) for field in app.screen.query(Field)] == words


async def test_a_wrong_server_is_not_accepted_and_escape_changes_nothing(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        servers = app.screen.query_one(ServerList)
        servers.focus()
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ServerScreen))
        await pilot.press(*"my docs", "f5")
        assert [field.has_class("-invalid") for field in app.screen.query(Field)] == [True, True, False]
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ServerScreen))
        assert all(row.source != "new" for row in servers.servers)


async def test_agents_talk_unless_they_are_told_to_work_on_their_own(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(FORM)
        choice = app.screen.query_one(WayChoice)
        choice.focus()
        assert "(•) talk to me" in app.words("#backend")
        await pilot.press("down")
        assert "(•) work on their own" in app.words("#backend")
        await until(pilot, lambda: app.can_launch)
        await pilot.press("f5")
        await until(pilot, lambda: bool(app.launched))
    assert {run.backend for run in app.world.started[0].runs} == {"run"}
    launched = last_used.load(base).launched
    assert launched is not None
    assert launched.backend == "run"


async def test_the_choice_is_left_by_the_arrows_at_its_ends_and_made_by_a_click(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        choice = app.screen.query_one(WayChoice)
        choice.focus()
        await pilot.press("up")
        assert not choice.has_focus
        choice.focus()
        await pilot.press("down", "down")
        assert app.screen.query_one(PermissionTable).has_focus
        await pilot.click("#backend", offset=(6, 0))
        assert app.form.backend == "serve"


async def test_a_permission_can_be_asked_for_where_the_agents_talk(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(FORM)
        app.screen.query_one(PermissionTable).focus()
        await pilot.press("down", "right", "right", "down", "s")
        await until(pilot, lambda: app.can_launch)
        await pilot.press("f5")
        await until(pilot, lambda: bool(app.launched))
    assert app.world.started[0].runs[0].config.permission == {"edit": "ask", "glob": "ask"}


async def test_an_ask_that_nobody_can_answer_is_marked_where_it_stands(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        tools = complete_rows([ToolRow("bash", "allow", (PatternRow("git push *", "ask"),))])
        app.fill(replace(FORM, tools=tools, backend="run"))
        await until(pilot, lambda: "ask  ✗ nobody is asked" in app.words("#tools"))
        await until(pilot, lambda: "Nobody is there" in app.words("#summary"))
        assert not app.can_launch
        await pilot.press("f8")
        table = app.screen.query_one(PermissionTable)
        await until(pilot, lambda: table.has_focus)
        await pilot.press("right")
        await until(pilot, lambda: app.can_launch)
        assert "ask" not in app.words("#tools").replace("inherit (ask, so rejected)", "").replace(" task ", "")


async def test_with_an_opencode_that_cannot_be_talked_to_agents_work_on_their_own(base: Path) -> None:
    app = LauncherApp(base, World(version="2.0.1"))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.form.backend == "run")
        app.fill(replace(FORM, backend="serve"))
        choice = next(field for field in app.screen.query(Field) if field.field == "backend")
        await until(pilot, lambda: "opencode 2.0.1" in str(choice.words))
        assert not app.can_launch


async def test_a_wrong_number_is_marked_where_it_stands(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(FORM)
        app.screen.query_one("#copies", Input).value = "0"
        await until(pilot, lambda: "Copies is a whole number from 1" in app.words("#row-remarks"))
        assert not app.can_launch


async def test_a_mistake_under_more_opens_it(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(LaunchForm(prompt="x", workspaces=(".",), timeout="soon"))
        await until(pilot, lambda: not app.screen.query_one("#more", Collapsible).collapsed)


async def test_the_preview_shows_what_opencode_is_given_with_secrets_masked(base: Path) -> None:
    server = ServerRow("mine", {"type": "remote", "url": "https://x.y", "headers": {"Authorization": "s3cret"}})
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(LaunchForm(prompt="x", workspaces=("services/api",), servers=(server,)))
        await until(pilot, lambda: app.can_launch)
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.screen, SheetScreen) and bool(app.screen.query("#text")))
        text = str(app.screen.query_one("#text").render())
        assert "Authorization" in text
        assert "s3cret" not in text
        await pilot.press("f5")
        await until(pilot, lambda: bool(app.launched))


@pytest.mark.parametrize("way", ["click", "enter"])
async def test_a_button_is_pressed_by_a_click_and_by_enter(base: Path, way: str) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(FORM)
        await until(pilot, lambda: app.can_launch)
        if way == "click":
            await pilot.click("#launch")
        else:
            app.screen.query_one("#launch").focus()
            await pilot.press("enter")
        await until(pilot, lambda: bool(app.launched))


async def test_a_button_that_is_off_is_not_pressed_by_a_click(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(LaunchForm(workspaces=(".",)))
        await until(pilot, lambda: "Enter a prompt" in app.words("#summary"))
        assert app.screen.focused is not None
        app.screen.query_one("#model Input").focus()
        await pilot.click("#launch")
        await pilot.pause()
        assert not app.screen.query(".-invalid")  # As pressing it would mark what is missing.


async def test_a_refusal_to_start_is_told_and_the_form_stays(base: Path) -> None:
    app = LauncherApp(base, World(refusal=ControlError("The disk is full.", hint="Make room.")))
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(FORM)
        await until(pilot, lambda: app.can_launch)
        await pilot.press("f5")
        await until(pilot, lambda: "The disk is full. Make room." in app.told)
        await until(pilot, lambda: app.can_launch)
        assert app.form.prompt == "Explain."


async def test_clearing_the_form_can_be_undone(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(FORM)
        await pilot.press("f9")
        assert app.form.prompt == ""
        await pilot.press("f9")
        assert app.form.prompt == FORM.prompt
        assert app.form.workspaces == FORM.workspaces


async def test_a_missing_opencode_is_told_and_installed_only_after_asking(base: Path) -> None:
    app = LauncherApp(base, World(version=""))
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(FORM)
        await until(pilot, lambda: "opencode was not found." in app.words("#notice-text"))
        assert not app.can_launch
        await pilot.press("f10")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        assert app.world.installed == 0
        await pilot.press("i")
        await until(pilot, lambda: app.can_launch)
        assert app.world.installed == 1


async def test_a_form_is_saved_as_a_plan_and_opened_again(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(FORM)
        await until(pilot, lambda: app.can_launch)
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, AskLineScreen))
        app.screen.query_one(Input).value = "mine.toml"
        await pilot.press("enter")
        await until(pilot, (base / "mine.toml").exists)
        await pilot.press("f9", "f3")
        await until(pilot, lambda: isinstance(app.screen, AskLineScreen))
        await pilot.press(*"mine.toml", "enter")
        await until(pilot, lambda: app.form.prompt == FORM.prompt)
        assert app.form.workspaces == FORM.workspaces


async def test_a_folder_that_toml_cannot_name_is_drawn_launched_and_not_saved(base: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    (base / name).mkdir()
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        app.fill(LaunchForm(prompt="x", workspaces=(name,)))
        await until(pilot, lambda: app.can_launch)
        app.screen.query_one(WorkspaceField).line.value = name
        await until(pilot, lambda: "caf�" in on_screen(app))
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, AskLineScreen))
        app.screen.query_one(Input).value = "mine.toml"
        await pilot.press("enter")
        await until(pilot, lambda: "TOML is UTF-8" in on_screen(app))
        assert not (base / "mine.toml").exists()


async def test_a_plan_is_not_overwritten_without_asking_and_one_with_secrets_is_private(base: Path) -> None:
    (base / "mine.toml").write_text("kept")
    server = ServerRow("mine", {"type": "remote", "url": "https://x.y", "headers": {"Authorization": "s3cret"}})
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(LaunchForm(prompt="x", workspaces=(".",), servers=(server,)))
        await until(pilot, lambda: app.can_launch)
        for answer in ("k", "r"):
            await pilot.press("f2")
            await until(pilot, lambda: isinstance(app.screen, AskLineScreen))
            app.screen.query_one(Input).value = "mine.toml"
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, AskScreen))
            assert (base / "mine.toml").read_text() == "kept"
            await pilot.press(answer)
            await until(pilot, lambda: not isinstance(app.screen, AskScreen))
        await until(pilot, lambda: (base / "mine.toml").read_text() != "kept")
    assert stat.S_IMODE((base / "mine.toml").stat().st_mode) == 0o600


async def test_a_plan_that_fits_no_form_is_shown_and_launched_as_it_is(base: Path) -> None:
    plan = base / "two.toml"
    plan.write_text(
        '[[runs]]\nname = "first"\nworkspace = "services/api"\nprompt = "One."\n'
        '[[runs]]\nname = "second"\nworkspace = "services/worker"\nprompt = "Two."\n'
    )
    app = LauncherApp(base, plan=plan)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, SheetScreen) and bool(app.screen.query("#text")))
        assert "first" in str(app.screen.query_one("#text").render())
        await until(pilot, lambda: "1.18.33" in app.words("#head"))
        await pilot.press("f5")
        await until(pilot, lambda: bool(app.launched))
    assert [run.prompt for run in app.world.started[0].runs] == ["One.", "Two."]


async def test_the_mistakes_of_a_plan_are_listed(base: Path) -> None:
    plan = base / "bad.toml"
    plan.write_text('[[runs]]\nname = "a"\nworkspace = "nowhere"\nprompt = "One."\n')
    app = LauncherApp(base, plan=plan)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, SheetScreen) and bool(app.screen.query("#text")))
        text = str(app.screen.query_one("#text").render())
        assert "workspace" in text
        assert "line" in text
        await pilot.press("f5", "escape")
        await until(pilot, lambda: not isinstance(app.screen, SheetScreen))
    assert app.world.started == []


async def test_names_from_outside_can_neither_steer_the_terminal_nor_be_markup(base: Path) -> None:
    evil = "[@click=app.quit]x[/]\x1b]52;c;ZXZpbA==\x07"
    (base / "services" / evil.replace("/", "")).mkdir()
    app = LauncherApp(base, World(models_listed=("acme/big", f"acme/{evil}")))
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(LaunchForm(prompt=evil, workspaces=(evil,), title=evil))
        await until(pilot, lambda: "No folder matches" in app.words("#summary"))
        assert "[@click" in app.words("#summary")
        await until(pilot, lambda: "models" in app.words("#head"))
        app.screen.query_one("#model").focus()
        await pilot.press("down")
        await until(pilot, lambda: app.screen.query_one("#model", CompletingInput).list_is_open)
        strips = app.screen._compositor.render_strips()
        assert [segment.text for strip in strips for segment in strip if not segment.text.isprintable()] == []


async def test_help_tells_every_key_and_every_field(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, SheetScreen) and bool(app.screen.query("#text")))
        text = str(app.screen.query_one("#text").render())
        assert "Start the agents." in text
        assert "permissions" in text
        for key in ("ctrl+q", "ctrl+c", "esc"):
            assert any(line.split()[:1] == [key] for line in text.splitlines())


async def test_every_field_can_be_reached_by_tab_and_is_explained(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(80, 24)) as pilot:
        app.screen.query_one("#more", Collapsible).collapsed = False
        await pilot.pause()
        hints = set()
        for _ in range(26):
            shown = app.words("#hint")
            hints.add(shown)
            field = app.screen.query_one(FormView).field_of(app.screen.focused)
            assert shown == HINTS.get(field, "")
            await pilot.press("tab")
        assert set(HINTS.values()) <= hints


@pytest.mark.integration
async def test_the_real_opencode_fills_the_pickers_and_tells_what_inherit_comes_to(
    base: Path, opencode_binary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENCODE_MODELS_PATH")  # With the list of its own.
    (base / "opencode.json").write_text(
        '{"permission": {"webfetch": "deny"}, "provider": {"acme": {"npm": "@ai-sdk/openai-compatible", '
        '"options": {"baseURL": "http://127.0.0.1:9/v1", "apiKey": "x"}, "models": {"big": {}}}}}'
    )
    app = LauncherApp(base, services=Services())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "models" in app.words("#head"), tries=3000)
        assert "inherit (deny)" in app.words("#tools")
        app.screen.query_one("#model").focus()
        await pilot.press("down")
        choices = app.screen.query_one("#model", CompletingInput).query_one(OptionList)
        await until(pilot, lambda: choices.display)
        listed = [str(choices.get_option_at_index(index).prompt) for index in range(choices.option_count)]
        assert "acme/big" in [*listed, app.form.model]


async def test_worktrees_are_on_offer_only_in_a_repository_and_go_into_the_plan(base: Path) -> None:
    app = LauncherApp(base)
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(LaunchForm(prompt="Go.", workspaces=("services/api", "services/worker")))
        await until(pilot, lambda: app.can_launch)
        trees = app.screen.query_one("#trees")
        assert not trees.display
        make_repository(base, {"services/api/main.py": ""})
        app.fill(LaunchForm(prompt="Go on.", workspaces=("services/api", "services/worker")))
        await until(pilot, lambda: trees.display and app.can_launch)
        await until(pilot, lambda: "may trample each other" in app.words("#trees .remark"))
        assert not app.screen.query_one(".begin").display
        app.screen.query_one("#worktree").focus()
        await pilot.press("space", "tab", *"mai")
        await until(pilot, lambda: "'mai' is no branch, tag or commit" in app.words(".begin .remark"))
        assert not app.can_launch
        await pilot.press("n")
        await until(pilot, lambda: app.form.worktree_base == "main")
        await until(pilot, lambda: not app.screen.query_one("#trees .remark").display and app.can_launch)
        await pilot.press("f5")
        await until(pilot, lambda: len(app.world.started) == 1)
    assert {(run.worktree, run.base) for run in app.world.started[0].runs} == {(True, "main")}
