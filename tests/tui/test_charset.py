from __future__ import annotations

import pytest

from octui.tui.charset import is_ascii_only


@pytest.mark.parametrize(
    ("environ", "encoding", "ascii_only"),
    [
        ({"TERM": "dumb"}, "utf-8", True),
        ({"LANG": "C"}, None, True),
        ({"LANG": "en_US.UTF-8", "TERM": "xterm-256color"}, "utf-8", False),
        ({"TERM": "xterm"}, "latin-1", True),
        ({"OCTUI_ASCII": "1"}, "utf-8", True),
        ({"OCTUI_ASCII": "0", "TERM": "dumb"}, "utf-8", False),
    ],
)
def test_ascii_stands_in_where_the_terminal_has_no_unicode(
    environ: dict[str, str], encoding: str | None, ascii_only: bool
) -> None:
    assert is_ascii_only(environ, encoding) is ascii_only
