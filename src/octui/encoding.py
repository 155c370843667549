"""Text to bytes and back, where it may hold bytes that are no UTF-8.

Names of files are bytes on every Unix, and an old share or an unpacked archive has some in Latin-1. Python holds such a
byte as a lone surrogate (PEP 383, ``os.fsdecode``), which strict encoders refuse. What octui writes for itself holds
them all the same: as the bytes they are in text, as ``\\udcXX`` in JSON. Pure.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_BYTES = re.compile("[\udc80-\udcff]")
_NO_BYTES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Other lone surrogates are halves of characters that JavaScript cut in two; they stand for no byte."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # Before UTF-16, whose mark it begins with.
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def holds_raw_bytes(text: str) -> bool:
    """Whether a text holds what no file in UTF-8 can: bytes that are none, or halves of characters."""
    return not text.isascii() and (_BYTES.search(text) or _NO_BYTES.search(text)) is not None


def readable(text: str) -> str:
    """Give a text with ``�`` for what cannot be encoded, to be shown or sent."""
    return text if text.isascii() else _NO_BYTES.sub("�", _BYTES.sub("�", text))


def to_bytes(text: str) -> bytes:
    """Encode as UTF-8, bytes that were no UTF-8 as they were; see `to_text`."""
    return (text if text.isascii() else _NO_BYTES.sub("�", text)).encode("utf-8", "surrogateescape")


def to_text(data: bytes) -> str:
    """Decode what `to_bytes` encoded."""
    return data.decode("utf-8", "surrogateescape")


def encode_json(value: Any, *, enc_hook: Callable[[Any], Any] | None = None) -> bytes:
    """Encode a value as msgspec does, and lone surrogates as JavaScript does; for `decode_json`."""
    try:
        return msgspec.json.encode(value, enc_hook=enc_hook)
    except UnicodeEncodeError:
        plain = msgspec.to_builtins(value, enc_hook=enc_hook, str_keys=True)
        return json.dumps(plain, separators=(",", ":")).encode()


def decode_json(data: bytes | bytearray, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode what `encode_json` encoded.

    Raises:
        msgspec.DecodeError: It is no JSON, or of another shape.
        UnicodeDecodeError: It is no UTF-8.
    """
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        if b"\\ud" not in data:
            raise
        try:
            plain = json.loads(data)
        except ValueError as error:
            raise msgspec.DecodeError(str(error)) from error
        found: T = msgspec.convert(plain, decoder.type, str_keys=True)
        return found


def decode_file(data: bytes) -> str:
    """Decode a text file of a user's: UTF-8, or what the mark at its start says, which is left out.

    Windows' PowerShell writes UTF-16 with ``>``, and its editors a mark before UTF-8.

    Raises:
        UnicodeDecodeError: It is neither.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark) and (data != mark or encoding == "utf-8"):  # A mark alone is no text in UTF-16.
            return data[len(mark) :].decode(encoding)
    return data.decode("utf-8")
