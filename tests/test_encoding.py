"""Text that may hold bytes that are no UTF-8."""

from __future__ import annotations

import codecs

import msgspec
import pytest

from octui.encoding import decode_file, decode_json, encode_json, holds_raw_bytes, readable, to_bytes, to_text

RAW = "caf\udce9 支付"
HALF = "half \ud83d"


class Thing(msgspec.Struct):
    name: str
    more: dict[str, tuple[int, ...]] = {}


@pytest.mark.parametrize(
    ("text", "raw", "shown"),
    [("plain", False, "plain"), ("é 支付 😀", False, "é 支付 😀"), (RAW, True, "caf� 支付"), (HALF, True, "half �")],
)
def test_what_cannot_be_encoded_is_found_and_replaced(text: str, raw: bool, shown: str) -> None:
    assert holds_raw_bytes(text) is raw
    assert readable(text) == shown


@pytest.mark.parametrize("text", ["", "plain", "é 支付 😀\n", RAW, "".join(map(chr, range(0xDC80, 0xDD00)))])
def test_bytes_and_json_give_the_same_text_back(text: str) -> None:
    assert to_text(to_bytes(text)) == text
    thing = Thing(text, {text: (1, 2)})
    assert decode_json(encode_json(thing), msgspec.json.Decoder(Thing)) == thing


def test_bytes_are_kept_as_they_are() -> None:
    assert to_bytes(to_text(b"caf\xe9/\xff")) == b"caf\xe9/\xff"
    assert to_bytes(HALF) == "half �".encode()
    assert decode_json(encode_json(HALF), msgspec.json.Decoder(str)) == HALF


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"name":"\\udce9"', b'{"name":3}', b'{"name":"\\ud83d","more":3}', b'{"name":"\xe9"}']
)
def test_what_is_no_json_of_its_shape_is_refused(data: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decode_json(data, msgspec.json.Decoder(Thing))


@pytest.mark.parametrize(
    "data",
    [
        "é 支付\n".encode(),
        codecs.BOM_UTF8 + "é 支付\n".encode(),
        codecs.BOM_UTF16_LE + "é 支付\n".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "é 支付\n".encode("utf-16-be"),
        codecs.BOM_UTF32_LE + "é 支付\n".encode("utf-32-le"),
    ],
)
def test_files_are_read_by_the_mark_at_their_start(data: bytes) -> None:
    assert decode_file(data) == "é 支付\n"


@pytest.mark.parametrize("data", [b"caf\xe9", codecs.BOM_UTF16_LE + b"a", codecs.BOM_UTF8 + b"\xff"])
def test_files_in_an_unknown_encoding_are_refused(data: bytes) -> None:
    with pytest.raises(UnicodeDecodeError):
        decode_file(data)
