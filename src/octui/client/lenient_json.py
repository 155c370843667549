"""Decode the JSON that opencode prints. Pure.

opencode is a JavaScript program. ``JSON.stringify`` prints a lone surrogate (``"\\ud83d"``) for text that was cut
inside an emoji, null for an unknown number, and fractions where counts are expected. Versions add, drop and retype
fields. None of that may lose more than the field itself, so everything opencode prints is decoded here and nowhere
else.

msgspec decodes each value strictly first, at full speed. Only if that fails, the text is repaired, decoded again and
converted to the type field by field:

- Lone surrogates and invalid UTF-8 become U+FFFD. A leading byte order mark is ignored.
- NaN, Infinity and numbers out of range count as missing.
- A field that is missing, null or cannot be converted gets its default.
- Counts are rounded, numeric strings become numbers, and any other value becomes text as its JSON.
- A list element that cannot be converted is dropped. If its type has no required fields, a default element takes its
  place, so that the positions of the others do not change. A single value becomes a list of one.
- Values nested deeper than `DEEPEST` are cut off, so that recursive code downstream is safe.

Input that is not JSON raises `DecodeError`; nothing else is raised.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Hashable, Sequence
from functools import cache
from typing import Any, Final, Generic, TypeVar, cast

import msgspec
from msgspec import DecodeError as DecodeError
from msgspec import Raw
from msgspec import inspect as shapes

T = TypeVar("T")
Encoded = bytes | bytearray | Raw

DEEPEST: Final = 100
"""Nesting limit: far deeper than anything opencode prints, far below Python's recursion limit of 1,000."""

CUT_OFF: Final = '"…"'
"""Replaces a value that is nested too deep."""

_REFUSED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Raised by strict decoding."""

_MISSING: Final[Any] = object()
_SPACE = " \t\r\n"
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u[dD][89a-fA-F][\da-fA-F]{2}|.)", re.S
)
"""A surrogate pair, a lone surrogate, or any other escape (so that an escaped backslash is consumed whole)."""

_LONE_LENGTH = len(r"\ud83d")
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.S)
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.S)
_COUNT = shapes.IntType()
_TRUTHS = {"true": True, "false": False, 1: True, 0: False}


class Decoder(Generic[T]):
    """Decodes JSON into one type.

    Args:
        kind: Any type msgspec supports. A value that violates a constraint of the type counts as missing.
    """

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._strict = msgspec.json.Decoder(kind)
        self._is_open = _is_open(shapes.type_info(kind))

    def decode(self, data: Encoded) -> T:
        """Decode one value.

        Raises:
            DecodeError: It is not JSON, or lacks a required field.
        """
        if self._is_open and _is_deep(bytes(data)):
            return fit(_parse(_repaired(data)), self._kind)
        try:
            return self._strict.decode(data)
        except _REFUSED:
            pass
        text = _repaired(data)
        try:
            return self._strict.decode(text)
        except _REFUSED:
            return fit(_parse(text), self._kind)

    def decode_lines(self, lines: Sequence[bytes]) -> list[T]:
        """Decode one value per line, faster than one by one.

        Args:
            lines: Without line ends. Each starts with a brace.

        Raises:
            DecodeError: One of them is not JSON, or lacks a required field.
        """
        try:
            # JSON never has a line end between a closing and an opening brace, so equal counts mean the same lines.
            found = self._strict.decode_lines(b"\n".join(lines))
            if len(found) == len(lines):
                return found
        except _REFUSED:
            pass
        return [self.decode(line) for line in lines]


def decode(data: Encoded) -> Any:
    """Decode one value of any type.

    Raises:
        DecodeError: It is not JSON.
    """
    return _decoder_of(Any).decode(data)


def decode_as(data: Encoded, kind: type[T]) -> T:
    """Decode one value as a type.

    Raises:
        DecodeError: It is not JSON, or lacks a required field.
    """
    return cast("T", _decoder_of(cast("Hashable", kind)).decode(data))


def decode_leading(text: str) -> Any:
    """Decode the value at the start of a text and ignore what follows.

    Raises:
        DecodeError: The text does not start with JSON.
    """
    return _parse(_repaired(text.encode("utf-8", "replace")), is_whole=False)


def reformat(data: Encoded, *, indent: int) -> bytes:
    """Reformat JSON.

    Args:
        data: One value.
        indent: Spaces per level; a negative number puts everything on one line.

    Raises:
        DecodeError: It is not JSON.
    """
    try:
        return msgspec.json.format(bytes(data), indent=indent)
    except _REFUSED:
        pass
    text = _repaired(data)
    try:
        return msgspec.json.format(text, indent=indent).encode()
    except _REFUSED:
        return msgspec.json.format(msgspec.json.encode(_parse(text)), indent=indent)


def as_count(value: Any) -> int | None:
    """Return a decoded value as an integer, or None if it is not a number."""
    found = _fit(value, _COUNT)
    return None if found is _MISSING else found


def fit(value: Any, kind: type[T]) -> T:
    """Convert a decoded value to a type by the rules in this module's docstring.

    Raises:
        DecodeError: It lacks a required field.
    """
    found = _fit(value, _shape_of(cast("Hashable", kind)))
    if found is _MISSING:
        raise DecodeError(f"A value of type {type(value).__name__} cannot be read as {kind}.")
    return cast("T", found)


@cache
def _decoder_of(kind: Any) -> Decoder[Any]:
    return Decoder(kind)


@cache
def _shape_of(kind: Any) -> shapes.Type:
    return shapes.type_info(kind)


def _is_open(shape: shapes.Type) -> bool:
    """Return whether values of a type can be nested to any depth."""
    match shape:
        case shapes.AnyType():
            return True
        case shapes.StructType(fields=fields) | shapes.DataclassType(fields=fields):
            return any(_is_open(field.type) for field in fields)
        case shapes.UnionType(types=types):
            return any(map(_is_open, types))
        case shapes.ListType(item_type=item) | shapes.VarTupleType(item_type=item) | shapes.DictType(value_type=item):
            return _is_open(item)
    return False


def _is_deep(data: bytes) -> bool:
    """Return whether a value is nested deeper than `DEEPEST`. Counting brackets, which is cheap, usually decides."""
    if data.count(b"[") + data.count(b"{") <= DEEPEST:
        return False
    bare = _STRING.sub(b"", data)
    return bare.count(b"[") + bare.count(b"{") > DEEPEST and _depth(bare) > DEEPEST


def _depth(bare: bytes) -> int:
    """Return the nesting depth of JSON whose strings were removed."""
    depth = deepest = 0
    for each in bare:
        if each in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif each in b"]}":
            depth -= 1
    return deepest


def _repaired(data: Encoded) -> str:
    text = bytes(data).decode("utf-8", "replace").removeprefix("\ufeff")
    return _ESCAPE.sub(_without_lone_surrogate, text) if "\\u" in text else text


def _without_lone_surrogate(match: re.Match[str]) -> str:
    return r"\ufffd" if len(match[0]) == _LONE_LENGTH else match[0]


def _parse(text: str, *, is_whole: bool = True) -> Any:
    """Decode what msgspec rejects. The result can always be encoded again."""
    text = text.lstrip(_SPACE)
    if _is_deep(text.encode()):
        text = _pruned(text)
    try:
        found, end = _python_decoder.raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise DecodeError(str(error)) from error
    if is_whole and text[end:].strip(_SPACE):
        raise DecodeError("Something follows the value.")
    return found


def _pruned(text: str) -> str:
    """Cut off what is nested deeper than `DEEPEST`."""
    kept: list[str] = []
    depth = begin = 0
    for token in _TOKEN.finditer(text):
        if token[0] in ("[", "{"):
            depth += 1
            if depth == DEEPEST + 1:
                kept += (text[begin : token.start()], CUT_OFF)
        elif token[0] in ("]", "}"):
            depth -= 1
            if depth == DEEPEST:
                begin = token.end()
    return "".join((*kept, text[begin:])) if depth <= DEEPEST else ""


def _parse_int(digits: str) -> int | None:
    try:
        return int(digits)
    except ValueError:  # Python converts at most 4,300 digits.
        return None


def _parse_float(digits: str) -> float | None:
    found = float(digits)
    return found if math.isfinite(found) else None


_python_decoder = json.JSONDecoder(
    strict=False, parse_int=_parse_int, parse_float=_parse_float, parse_constant=lambda _: None
)


def _fit(value: Any, shape: shapes.Type) -> Any:
    """Convert a value; `_MISSING` if it cannot be converted."""
    match shape:
        case shapes.AnyType():
            return value
        case shapes.RawType():
            return Raw(msgspec.json.encode(value))
        case shapes.UnionType(types=types):
            return _fit_first(value, types)
        case shapes.StructType() | shapes.DataclassType():
            return _fit_struct(value, shape)
        case shapes.ListType(item_type=item):
            return _fit_list(value, item)
        case shapes.VarTupleType(item_type=item):
            found = _fit_list(value, item)
            return found if found is _MISSING else tuple(found)
        case shapes.DictType(value_type=each):
            return _fit_dict(value, each)
        case shapes.StrType():
            return _fit_text(value)
        case shapes.BoolType():
            return _TRUTHS.get(value, _MISSING) if isinstance(value, str | int | float) else _MISSING
        case shapes.IntType() | shapes.FloatType():
            return _fit_number(value, shape)
    raise TypeError(f"There is no way to fit a value to {shape}.")


def _fit_first(value: Any, types: Sequence[shapes.Type]) -> Any:
    """Convert to the first type of a union that fits."""
    can_be_none = any(isinstance(each, shapes.NoneType) for each in types)
    if value is None:
        return None if can_be_none else _MISSING
    found = (_fit(value, each) for each in types if not isinstance(each, shapes.NoneType))
    return next((each for each in found if each is not _MISSING), _MISSING)


def _fit_struct(value: Any, shape: shapes.StructType | shapes.DataclassType) -> Any:
    required = [field.encode_name for field in shape.fields if field.required]
    if isinstance(value, str) and len(required) == 1:
        value = {required[0]: value}  # For example an option given as its label only.
    if not isinstance(value, dict):
        return _MISSING
    given: dict[str, Any] = {}
    for field in shape.fields:
        found = _fit(value[field.encode_name], field.type) if field.encode_name in value else _MISSING
        if found is not _MISSING:
            given[field.name] = found
        elif field.required:
            return _MISSING
    return shape.cls(**given)


def _fit_list(value: Any, item: shapes.Type) -> Any:
    if value is None:
        return _MISSING
    if not isinstance(value, list):
        found = _fit(value, item)
        return found if found is _MISSING else [found]
    fitted = [_fit(each, item) for each in value]
    if isinstance(item, shapes.StructType) and not any(field.required for field in item.fields):
        return [item.cls() if each is _MISSING else each for each in fitted]
    return [each for each in fitted if each is not _MISSING]


def _fit_dict(value: Any, item: shapes.Type) -> Any:
    if not isinstance(value, dict):
        return _MISSING
    fitted = {name: _fit(each, item) for name, each in value.items()}
    return {name: each for name, each in fitted.items() if each is not _MISSING}


def _fit_text(value: Any) -> Any:
    if value is None:
        return _MISSING
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _fit_number(value: Any, shape: shapes.IntType | shapes.FloatType) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return _MISSING
    try:
        number = float(value) if isinstance(value, str) or isinstance(shape, shapes.FloatType) else value
        if not math.isfinite(number):
            return _MISSING
    except (ValueError, OverflowError):
        return _MISSING
    number = round(number) if isinstance(shape, shapes.IntType) else number
    is_low = shape.ge is not None and number < shape.ge
    is_high = shape.le is not None and number > shape.le
    return _MISSING if is_low or is_high else number
