"""What a stand-in for opencode does wrong: Python code for `tests.client.conftest.stand_in`, one constant a fault.

Each is itself tested, in ``tests/support/test_misbehaving.py``.
"""

from __future__ import annotations

IGNORES_SIGNALS = """
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
"""
"""Only KILL ends it; what it starts inherits that."""

LEAVES_A_SESSION = """
subprocess.Popen(["sleep", "300"], start_new_session=True, stdin=subprocess.DEVNULL)
"""
"""A child in a session and group of its own, as a tool under ``setsid``; it holds stdout and stderr open."""

STUBBORN = IGNORES_SIGNALS + LEAVES_A_SESSION + 'answer("part of it"); say("step_start", part={}); time.sleep(300)'
"""A tree that nothing but KILL ends, in the middle of its work."""

LINGERS = 'answer("All of it."); time.sleep(300)'
"""It has finished its answer and does not exit."""

MUTE = "time.sleep(300)"
"""It starts and says nothing."""

CRASH = "Error: Unexpected error\\n\\nFailed query: \\n   CREATE TABLE `workspace` ("
"""What opencode 1.18 writes when runs that share a database start at once."""


def crashes(times: int) -> str:
    """The start-up crash so often, counted in a file beside the executable; then it goes on."""
    return f"""
with open(sys.argv[0] + ".tries", "a+") as tries:
    tries.write("x")
    tries.seek(0)
    tried = len(tries.read())
if tried <= {times}:
    print("{CRASH} " + str(tried), file=sys.stderr)
    sys.exit(1)
"""


def floods(events: int, *, size: int = 40) -> str:
    """So many ``text`` events as fast as it can, numbered by ``timestamp``, each with ``size`` bytes of text."""
    return f"""
out = sys.stdout.buffer
for start in range(0, {events}, 1000):
    out.write(b"".join(
        b'{{"type":"text","timestamp":%d,"sessionID":"ses_1","part":{{"text":"%s"}}}}\\n' % (n, b"x" * {size})
        for n in range(start, min(start + 1000, {events}))
    ))
out.flush()
"""


def floods_stderr(size: int) -> str:
    """So many bytes of stderr, then its answer."""
    return f"""
block = b"noise " * 20_000
for _ in range({size} // len(block)):
    sys.stderr.buffer.write(block)
sys.stderr.write("the end of it")
sys.stderr.flush()
answer()
"""


def prints(data: bytes) -> str:
    """These very bytes on stdout."""
    return f"sys.stdout.buffer.write({data!r}); sys.stdout.flush()\n"


def prints_a_line_of(size: int) -> str:
    """One event whose text has so many bytes."""
    return f"""
sys.stdout.write('{{"type":"text","timestamp":1,"sessionID":"ses_1","part":{{"text":"')
for _ in range({size} // 1000):
    sys.stdout.write("y" * 1000)
sys.stdout.write('"}}}}\\n')
sys.stdout.flush()
"""


CLOSES_STDOUT = "answer(); sys.stdout.flush(); os.close(1); time.sleep(0.3); os._exit(0)"
"""It closes stdout long before it exits."""
