"""What other programs print, as part of a sentence."""

from __future__ import annotations

import pytest

from octui.program_output import LONGEST_LINE, plain_text, reason, telling_lines

GIT_LFS = """\
Preparing worktree (new branch 'x')
git-lfs filter-process: 1: git-lfs: not found
error: packet write with format failed
error: Could not write client identification
error: initialization for subprocess 'git-lfs filter-process' failed
fatal: a.bin: smudge filter lfs failed
"""
GIT_LFS_OLDER = """\
Preparing worktree (new branch 'x')
git-lfs filter-process: git-lfs: command not found
fatal: the remote end hung up unexpectedly
"""
GIT_SSH = """\
Cloning into 'x'...
git@example.invalid: Permission denied (publickey).
fatal: Could not read from remote repository.

Please make sure you have the correct access rights
and the repository exists.
"""
NPM = """\
npm error code ECONNREFUSED
npm error syscall connect
npm error errno ECONNREFUSED
npm error FetchError: request to http://127.0.0.1:9/opencode-ai failed, reason: connect ECONNREFUSED 127.0.0.1:9
npm error     at ClientRequest.<anonymous> (/usr/lib/node_modules/npm/node_modules/minipass-fetch/lib/index.js:130:14)
npm error     at process.processTicksAndRejections (node:internal/process/task_queues:83:21) {
npm error   code: 'ECONNREFUSED',
npm error   port: 9,
npm error   requiredBy: '.'
npm error }
npm error
npm error If you are behind a proxy, please make sure that the 'proxy' config is set properly.  See: 'npm help config'
npm error A complete log of this run can be found in: /root/.npm/_logs/2026-12-01T04_16_02_327Z-debug-0.log
"""
NODE = """\
node:internal/modules/cjs/loader:1143
  throw err;
  ^

Error: Cannot find module '/srv/app/x.js'
    at Module._resolveFilename (node:internal/modules/cjs/loader:1140:15)
    at node:internal/main/run_main_module:28:49 {
}

Node.js v20.20.2
"""
PYTHON = """\
collecting
Traceback (most recent call last):
  File "x.py", line 3, in <module>
    raise error: not found
ModuleNotFoundError: No module named 'yaml'
"""
MAKE = """\
cc -c x.c
x.c:3:5: error: unknown type name 'foo'
make[1]: *** [x.o] Error 1
make: *** [all] Error 2
"""
OPENCODE_CONFIG = """\
\x1b[91m\x1b[1mError: \x1b[0mConfiguration is invalid at /c/opencode.json
↳ Expected object | undefined, got 3 provider
"""
OPENCODE_JSON = """\
\x1b[91m\x1b[1mError: \x1b[0mConfig file at /c/opencode.json is not valid JSON(C):\x20
--- JSONC Input ---
{"apiKey":"sk-secret"

--- Errors ---
CloseBraceExpected at line 2, column 1
--- End ---
"""
SERVER = """\
Warning: OPENCODE_SERVER_PASSWORD is not set; server is unsecured.
INFO  2026-12-01T04:16:22 +0ms service=default starting
Error: Failed to start server. Is port 80 in use?
"""


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (GIT_LFS, "git-lfs filter-process: 1: git-lfs: not found; a.bin: smudge filter lfs failed"),
        (GIT_LFS_OLDER, "git-lfs filter-process: git-lfs: command not found"),
        (GIT_SSH, "git@example.invalid: Permission denied (publickey)"),
        (NPM, "FetchError: request to http://127.0.0.1:9/opencode-ai failed, reason: connect ECONNREFUSED 127.0.0.1:9"),
        (NODE, "Error: Cannot find module '/srv/app/x.js'"),
        (PYTHON, "ModuleNotFoundError: No module named 'yaml'"),
        (MAKE, "x.c:3:5: error: unknown type name 'foo'"),
        (
            OPENCODE_CONFIG,
            "Error: Configuration is invalid at /c/opencode.json; ↳ Expected object | undefined, got 3 provider",
        ),
        (
            OPENCODE_JSON,
            "Error: Config file at /c/opencode.json is not valid JSON(C); CloseBraceExpected at line 2, column 1",
        ),
        (SERVER, "Error: Failed to start server. Is port 80 in use?"),
        ("env: 'node': No such file or directory\n", "env: 'node': No such file or directory"),
        ("reading\ncounting\nsh: 1: tsc: not found\n", "sh: 1: tsc: not found"),
        ("one\ntwo\nthree\nfour\n", "two; three; four"),
        ("fatal: bad object HEAD\n", "bad object HEAD"),
        ("hint: only advice\n", "hint: only advice"),
        ("", ""),
        (" \n\n", ""),
    ],
)
def test_the_lines_that_name_the_cause_are_picked(output: str, expected: str) -> None:
    assert reason(output) == expected
    assert reason(output.encode()) == expected


def test_a_long_output_gives_its_first_cause_and_its_last_error() -> None:
    rows = [f"line {number}" for number in range(1000)]
    rows[200] = "x: command not found"
    rows[300] = "y: No such file or directory"
    rows[400] = "z: Permission denied"
    rows[900] = "error: it failed"
    assert telling_lines("\n".join(rows)) == [
        "x: command not found",
        "y: No such file or directory",
        "it failed",
    ]


def test_a_line_without_end_is_cut() -> None:
    (line,) = telling_lines("x" * 1_000_000)
    assert len(line) == LONGEST_LINE + 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[91m\x1b[1mError: \x1b[0mno", "Error: no"),
        ("\x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x9b31mred", "link red"),
        ("bell\x07 null\x00 c1\x84 back\x08", "bell null c1 back"),
        ("50 %\r100 %\ndone\r\n", "100 %\ndone\n"),
        ("right\u202eleft \u200bzero", "rightleft zero"),
        ("a\tb 支付 é", "a\tb 支付 é"),
    ],
)
def test_nothing_that_acts_on_a_terminal_is_left(text: str, expected: str) -> None:
    assert plain_text(text) == expected


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    assert reason(b"cannot open caf\xe9") == "cannot open caf�"
