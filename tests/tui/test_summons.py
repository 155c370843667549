from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tui.talking import EDIT, ONE, PUSH

from octui.client.serve.events import Permission
from octui.tui.requests import Waiting
from octui.tui.summons import Summons, notification_bytes, notification_command, run_apart


class Heard:
    def __init__(self) -> None:
        self.rings = 0
        self.counts: list[int] = []
        self.told: list[tuple[str, str]] = []
        self.summons = Summons(self._ring, self.counts.append, lambda *words: self.told.append(words))

    def _ring(self) -> None:
        self.rings += 1


def test_each_request_is_told_once_and_every_change_of_their_number() -> None:
    heard = Heard()
    push, edit, one = Waiting("api", PUSH, 1), Waiting("worker", EDIT, 2), Waiting("api", ONE, 3)
    heard.summons.look([push])
    heard.summons.look([push])
    heard.summons.look([push, edit])
    heard.summons.look([edit, one])
    heard.summons.look([])
    assert heard.rings == 3
    assert heard.counts == [1, 2, 0]
    assert heard.told[1] == ("worker needs you", "edit /srv/gateway/src/limits.py")


@pytest.mark.parametrize(
    ("environ", "written"),
    [
        ({"TERM_PROGRAM": "WezTerm"}, "\x1b]9;api needs you: a;b\x07"),
        ({"TERM": "xterm-kitty"}, "\x1b]9;api needs you: a;b\x07"),
        ({"TERM": "foot-extra"}, "\x1b]777;notify;api needs you;a,b\x07"),
        ({"TERM": "xterm-256color"}, ""),
        ({"TERM_PROGRAM": "WezTerm", "TMUX": "/tmp/x"}, ""),
    ],
)
def test_a_terminal_is_told_where_it_is_known_to_take_it(environ: dict[str, str], written: str) -> None:
    assert notification_bytes("api needs you", "a;b", environ) == written


def test_elsewhere_the_desktops_own_command_is_asked_and_over_ssh_none() -> None:
    def only(name: str) -> Callable[[str], str | None]:
        return lambda wanted: f"/bin/{wanted}" if wanted == name else None

    linux = notification_command("t", "<b>x</b>", {}, only("notify-send"))
    assert linux == ["/bin/notify-send", "--app-name=octui", "--", "t", "&lt;b&gt;x&lt;/b&gt;"]
    mac = notification_command("t", '"; quit', {}, only("osascript"))
    assert mac[-2:] == ["t", '"; quit']
    assert '"; quit' not in mac[:-1]
    assert notification_command("t", "x", {}, lambda name: None) == []
    assert notification_command("t", "x", {"SSH_TTY": "/dev/pts/1"}, only("notify-send")) == []


def test_what_is_told_holds_no_control_bytes_and_no_secrets() -> None:
    heard = Heard()
    command = "curl https://me:sesame@host \x1b]0;owned\x07\x9b2J\nrm"
    heard.summons.look([Waiting("a\x07pi", Permission(id="p", permission="bash", metadata={"command": command}), 1)])
    told = "".join(heard.told[0])
    assert told.isprintable()
    assert "sesame" not in told


def test_a_command_is_run_apart_and_one_that_is_not_there_harms_nobody(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    run_apart([str(tmp_path / "missing")])
    run_apart([sys.executable, "-c", f"open({str(mark)!r}, 'w').close()"])
    for _ in range(500):
        if mark.exists():
            return
        time.sleep(0.02)
    raise AssertionError("it was not run")
