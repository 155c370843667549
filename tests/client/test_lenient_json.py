"""The one place where what opencode printed becomes values."""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Raw, Struct

from octui.client.lenient_json import (
    DEEPEST,
    DecodeError,
    Decoder,
    as_count,
    decode,
    decode_as,
    decode_leading,
    fit,
    reformat,
)


class Label(Struct):
    label: str
    note: str = ""


class Item(Struct):
    question: str = ""
    options: tuple[Label, ...] = ()


class Everything(Struct):
    count: Annotated[int, Meta(ge=0, le=1000)] = 0
    cost: float = 0.0
    text: str = "missing"
    flag: bool = False
    maybe: str | None = None
    words: list[str] = []
    items: tuple[Item, ...] = ()
    labels: tuple[Label, ...] = ()
    table: dict[str, int] = {}
    anything: Any = "missing"
    raw: Raw = Raw(b"null")


def read(text: str) -> Everything:
    return decode_as(text.encode("utf-8", "surrogatepass"), Everything)


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        (rb'"\ud83d"', "\ufffd"),
        (rb'"a\udc00b"', "a\ufffdb"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd😀"),
        (rb'"\ud83d\ude00\ude00"', "😀\ufffd"),
        (rb'"\uD83D\n"', "\ufffd\n"),
        (rb'"\\ud83d"', "\\ud83d"),
        (rb'"\\\ud83d"', "\\\ufffd"),
        (b'"a\xffb"', "a\ufffdb"),
        (b'"\xed\xa0\xbd"', "\ufffd\ufffd\ufffd"),
        (b'"a\nb"', "a\nb"),
        (b'\xef\xbb\xbf"a"', "a"),
    ],
)
def test_what_is_no_character_is_replaced(printed: bytes, text: str) -> None:
    assert decode(printed) == text
    assert decode_as(b'{"text":%b}' % printed.removeprefix(b"\xef\xbb\xbf"), Everything).text == text
    assert decode(printed).encode()


@pytest.mark.parametrize(
    ("printed", "count"),
    [("null", 0), ("12", 12), ("12.0", 12), ("12.6", 13), ('"12"', 12), ('"12.5"', 12), ("1e2", 100)]
    + [
        (odd, 0)
        for odd in ("true", "[]", "{}", '"x"', "-1", "1001", "1e400", "NaN", "-Infinity", "9" * 400, "9" * 5000)
    ],
)
def test_a_count_is_a_whole_number_in_its_range_or_missing(printed: str, count: int) -> None:
    assert read(f'{{"text":"kept","count":{printed}}}') == Everything(text="kept", count=count)


@pytest.mark.parametrize(
    ("printed", "cost"), [("1", 1.0), ('"0.25"', 0.25), ("null", 0), ("NaN", 0), ("1e400", 0), ("9" * 400, 0)]
)
def test_a_cost_is_finite(printed: str, cost: float) -> None:
    assert read(f'{{"text":"kept","cost":{printed}}}') == Everything(text="kept", cost=cost)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ('"text":null', Everything()),
        ('"text":7', Everything(text="7")),
        ('"text":{"a":[1]}', Everything(text='{"a":[1]}')),
        ('"flag":1', Everything(flag=True)),
        ('"flag":"false"', Everything()),
        ('"flag":"perhaps"', Everything()),
        ('"maybe":7', Everything(maybe="7")),
        ('"maybe":null', Everything()),
        ('"words":["a",null,7]', Everything(words=["a", "7"])),
        ('"words":"a"', Everything(words=["a"])),
        ('"words":null', Everything()),
        ('"table":{"a":1,"b":null,"c":"2"}', Everything(table={"a": 1, "c": 2})),
        ('"table":[]', Everything()),
        ('"anything":null,"count":null', Everything(anything=None)),
        ('"labels":[{"label":"a"},null,"b",{"note":"no label"}]', Everything(labels=(Label("a"), Label("b")))),
        ('"items":[{"question":"a"},null,{"question":"c"}]', Everything(items=(Item("a"), Item(), Item("c")))),
        ('"items":[{"question":null,"options":"Yes"}]', Everything(items=(Item("", (Label("Yes"),)),))),
        ('"text":"a","text":"b","count":null', Everything(text="b")),
        ('"unknown":{"x":1},"count":null', Everything()),
    ],
)
def test_an_odd_field_costs_itself(printed: str, expected: Everything) -> None:
    assert read(f'{{"cost":0.5,{printed}}}') == msgspec.structs.replace(expected, cost=0.5)


def test_raw_fields_are_valid_json_afterwards() -> None:
    found = read(r'{"raw":{"a":"\ud83d","b":[1.5,null]},"count":null}')
    assert msgspec.json.decode(found.raw) == {"a": "\ufffd", "b": [1.5, None]}


@pytest.mark.parametrize("printed", [b"", b"{", b"nul", b"{} {}", b'{"a":}', b'"\\q"', b'{"a":' * 9999, b"]" * 9999])
def test_what_is_no_json_is_refused_with_one_error(printed: bytes) -> None:
    for kind in (Any, Everything, dict[str, Any]):
        with pytest.raises(DecodeError):
            decode_as(printed, kind)
    with pytest.raises(DecodeError):
        reformat(printed, indent=-1)


def test_what_lacks_what_a_type_requires_is_refused() -> None:
    for printed in (b"{}", b"[]", b"null", b'{"label":null}'):
        with pytest.raises(DecodeError):
            decode_as(printed, Label)


@pytest.mark.parametrize("depth", [DEEPEST - 2, DEEPEST + 1, 600, 20_000])
def test_what_is_nested_too_deep_is_cut_off_and_what_stands_beside_it_is_kept(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    found = read(f'{{"anything":{deep},"text":"]}}[","words":["a"]}}')
    assert (found.text, found.words) == ("]}[", ["a"])
    assert depth_of(found.anything) == min(depth, DEEPEST - 1)
    assert depth_of(decode_as(f'{{"raw":{deep},"text":"b"}}'.encode(), dict[str, Any])["raw"]) <= DEEPEST
    assert json.loads(reformat(f'{{"anything":{deep if depth > 1000 else 1},"text":"b"}}'.encode(), indent=2))


def test_many_brackets_beside_each_other_are_not_deep() -> None:
    value = {"code": "{" * 999, "list": [{"a": []} for _ in range(999)]}
    assert decode(json.dumps(value).encode()) == value


def depth_of(value: Any) -> int:
    depth = 0
    while isinstance(value, list):
        depth += 1
        value = value[0] if value else None
    return depth


def test_lines_are_decoded_all_or_one_by_one() -> None:
    decoder = Decoder(Item)
    assert decoder.decode_lines([b'{"question":"a"}', b'{"question":null}']) == [Item("a"), Item()]
    with pytest.raises(DecodeError):
        decoder.decode_lines([b'{"question":"a"}{"question":"b"}'])


def test_a_value_is_decoded_that_something_follows() -> None:
    assert decode_leading(r' [{"a":"\ud83d"}, NaN] and more') == [{"a": "\ufffd"}, None]
    assert decode_leading('[{"a":"\ud83d"}] ]') == [{"a": "?"}]
    with pytest.raises(DecodeError):
        decode_leading("none")


def test_a_count_is_told_of_any_value() -> None:
    assert [*map(as_count, (3, 3.0, 2.6, "4", None, True, [], "x", float("nan")))] == [3, 3, 3, 4, *[None] * 5]


def test_a_value_is_fitted_to_a_type() -> None:
    assert fit([{"label": 7}, "b", None], list[Label]) == [Label("7"), Label("b")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*Everything.__struct_fields__]), inner)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*Everything.__struct_fields__]), JSON))
def test_any_object_can_be_read_and_encoded_again(value: dict[str, Any]) -> None:
    printed = json.dumps(value).encode()
    assert isinstance(decode_as(printed, Everything), Everything)
    for again in (msgspec.json.encode(decode(printed)), reformat(printed, indent=-1)):
        assert isinstance(msgspec.json.decode(again), dict)


@given(JSON)
def test_what_msgspec_decodes_comes_to_the_same(value: Any) -> None:
    printed = json.dumps(value).encode()
    try:
        strict = msgspec.json.decode(printed)
    except msgspec.DecodeError:
        return
    assert decode(printed) == strict
