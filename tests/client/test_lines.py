"""Framing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from octui.client.lines import LineFramer


@given(st.binary(max_size=200).map(lambda data: data.replace(b"\r", b"x")), st.lists(st.integers(1, 20), max_size=30))
def test_lines_do_not_depend_on_how_the_bytes_are_cut(data: bytes, cuts: list[int]) -> None:
    framer = LineFramer()
    lines: list[bytes] = []
    rest = data
    for cut in cuts:
        lines += framer.feed(rest[:cut])
        rest = rest[cut:]
    lines += framer.feed(rest)
    lines += framer.end()
    assert lines == [line for line in data.split(b"\n") if line.strip()]


def test_a_long_line_in_many_chunks_comes_whole() -> None:
    framer = LineFramer()
    for _ in range(1000):
        assert framer.feed(b"x" * 1000) == []
    assert framer.feed(b"\n") == [b"x" * 1_000_000]
