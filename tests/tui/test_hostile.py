"""What reaches the terminal, on a real pseudo-terminal, when every text of a session tries to steer it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.tui.sessions import Script, record, step_finish, step_start, text, tool
from tests.tui.streams import ROOT, Told
from tests.tui.talking import served

from octui.client.config import RunConfig
from octui.client.serve.events import Option, Permission, Question, QuestionItem
from octui.recording.facts import Attention, RunState

EVIL = (
    "\x1b]52;c;RVZJTA==\x07\x1b]2;EVIL\x1b\\\x1b]8;;http://evil\x1b\\\x1b[31;5;7m\x1b[2J\x1b[?1049l\x1bP1$qEVIL\x1b\\\x1bc"
    "\x9b35m\x9d2;EVIL\x9c\x90\x85\x07\x08\x00\x7f\u202e\u2066\u200f" + "e" + "\u0301" * 50 + "[@click=app.exit]x[/]"
)
PASTED = b"\x1b[200~" + EVIL.encode() + b"\x1b[201~"
HOME = b"\x1b[H"
LONGEST_WAIT_S = 1.5
MARK = "the end of it"
RUN = "import sys; from pathlib import Path; from octui.tui.app import run_dashboard; run_dashboard(Path(sys.argv[1]))"
TITLES = (b"2;octui", "2;◆ 1 octui: explain services".encode())
OSC = re.compile(rb"\x1b\](.*?)(?:\x07|\x1b\\)", re.DOTALL)
C1 = re.compile(rb"\xc2[\x80-\x9f]")


def hostile_session(folder: Path) -> Path:
    diff = f"@@ -1,1 +1,1 @@\n-{EVIL}\n+{EVIL}\n"
    events = [
        step_start(),
        text(f"# {EVIL}\n\n- {EVIL}\n\n```{EVIL}\n{EVIL}\n```\n&#x202e;&#27; [{EVIL}]({EVIL})"),
        {"type": "reasoning", "part": {"text": EVIL}},
        tool(EVIL, EVIL, input={EVIL: EVIL}, output=EVIL),
        tool("bash", EVIL, input={"command": EVIL}, output=EVIL, metadata={"exit": 1}),
        tool("edit", EVIL, input={"filePath": EVIL}, metadata={"diff": diff}),
        tool("todowrite", EVIL, metadata={"todos": [{"content": EVIL, "status": EVIL}]}),
        tool("read", EVIL, status="error", error=EVIL),
        {"type": "error", "error": {"name": EVIL, "data": {"message": EVIL}}},
        {"type": EVIL, EVIL: EVIL},
        step_finish(reason=EVIL),
        text(MARK),
    ]
    config = RunConfig(model=f"x/{EVIL}", agent=EVIL)
    script = Script(
        "api", events, RunState.FAILED, EVIL, [(Attention.SILENT, EVIL)], EVIL, EVIL, config, EVIL.encode() + b"\n"
    )
    return record(folder, [script, Script("b", state=RunState.FAILED, why=EVIL)], name="hostile").folder


def hostile_stream(folder: Path) -> Path:
    """A session whose run is in the middle of what a server tells."""
    told = Told(folder)
    told.step()
    told.tell(
        "session.created", {"sessionID": EVIL, "info": {"id": EVIL, "parentID": ROOT, "title": EVIL, "agent": EVIL}}
    )
    told.message("m1", agent=EVIL, modelID=EVIL)
    told.text("p1", EVIL)
    told.grow("p1", f"\n\n# {EVIL}\n\n```{EVIL}\n{EVIL}\n\n{EVIL}")
    told.text("p2", EVIL, kind="reasoning")
    told.grow("p2", EVIL)
    told.tool("p3", EVIL, "running", title=EVIL, input={EVIL: EVIL}, metadata={"output": EVIL, "sessionId": EVIL})
    told.tool("p4", "bash", "running", input={"command": EVIL}, metadata={"output": EVIL})
    told.tool("p5", EVIL, EVIL, title=EVIL, input={EVIL: EVIL}, session=EVIL)
    told.text("p6", EVIL, session=EVIL)
    told.part(EVIL, "text", text=EVIL, time={"start": 1, "end": 2}, message="u1")
    told.message("u2", "user")
    told.part("q1", "text", message="u2", text="the first prompt")
    told.message("u3", "user")
    told.part("q2", "text", message="u3", text=EVIL)
    told.text("p7", MARK)
    told.status("retry", attempt=2, message=EVIL, next=told.at_ms + 3_000_000_000)
    return told.folder


def what_a_terminal_gets(folder: Path, keys: Sequence[bytes], *, seconds: float = 20.0) -> bytes:
    """Run the dashboard on a pseudo-terminal, press the keys one by one once it stands, and give all it wrote."""
    pid, master = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LC_ALL="C.UTF-8")
        os.execv(sys.executable, [sys.executable, "-c", RUN, str(folder)])
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 140, 0, 0))
    got = b""
    left = list(keys)
    stop = time.monotonic() + seconds
    pressed = time.monotonic()
    try:
        while time.monotonic() < stop:
            if select.select([master], [], [], 0.4)[0]:
                try:
                    more = os.read(master, 65536)
                except OSError:
                    break
                got += more
                if not more:
                    break
                if time.monotonic() < pressed + LONGEST_WAIT_S:  # A cursor that blinks never is quiet.
                    continue
            if MARK.encode() in got:
                if not left:
                    break
                os.write(master, left.pop(0))
                pressed = time.monotonic()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(master)
    return got


def test_no_text_of_a_session_steers_the_terminal(tmp_path: Path) -> None:
    hold_harmless(what_a_terminal_gets(hostile_session(tmp_path), [b"e", b"z", b"/", PASTED, b"\x1b", b"o"]), "EVIL")


def test_nothing_that_is_under_way_steers_the_terminal(tmp_path: Path) -> None:
    hold_harmless(
        what_a_terminal_gets(hostile_stream(tmp_path), [b"e", b"z", HOME, b"\x1b[F", b"e"]), "[@click=app.exit]x[/]"
    )


@pytest.mark.parametrize(
    "wanted",
    [
        Permission(
            id="per_1",
            permission="bash",
            patterns=(EVIL,),
            always=(EVIL,),
            metadata={"command": f"{MARK}{EVIL}", EVIL: EVIL, "diff": f"@@ -1,1 +1,1 @@\n-{EVIL}\n+{EVIL}\n"},
        ),
        Permission(
            id="per_2",
            permission="edit",
            patterns=(EVIL,),
            metadata={"filepath": f"/{MARK}{EVIL}", "diff": f"@@ -1,1 +1,1 @@\n-{EVIL}\n+{EVIL}\n"},
        ),
        Permission(id="per_3", permission=f"{MARK}{EVIL}", patterns=(EVIL, EVIL), metadata={EVIL: EVIL}),
        Question(
            id="que_1",
            questions=(
                QuestionItem(
                    question=f"{MARK}{EVIL}",
                    header=EVIL,
                    options=(Option(label=EVIL, description=EVIL), Option(label="x", description=EVIL)),
                    multiple=True,
                ),
                QuestionItem(question=EVIL, header=EVIL),
            ),
        ),
    ],
    ids=lambda wanted: str(wanted.id),
)
def test_nothing_that_waits_for_an_answer_steers_the_terminal(wanted: Permission | Question, tmp_path: Path) -> None:
    journal = served(tmp_path, [("api", wanted)])
    hold_harmless(what_a_terminal_gets(journal.folder, [b"a", b"\x1b[B", b"\t"]), "[@click=app.exit]x[/]", bells=1)


def hold_harmless(got: bytes, seen: str, *, bells: int = 0) -> None:
    assert MARK.encode() in got
    assert [osc for osc in OSC.findall(got) if not osc.startswith((*TITLES, b"22;default"))] == []
    assert seen.encode() in got, "the words themselves are to be seen"
    assert not C1.search(got)
    assert b"\x1b[31;5;7m" not in got
    assert b"\x1bP" not in got
    assert b"\x1bc" not in got
    for sign in ("\u202e", "\u2066", "\u200f", "\u0301\u0301\u0301"):
        assert sign.encode() not in got
    body = re.sub(rb"\x1b\][^\x07]*\x07", b"", got)
    assert body.count(b"\x07") <= bells
    assert not set(body) & {0x08, 0x00, 0x7F}
