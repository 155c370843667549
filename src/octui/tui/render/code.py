"""Code, highlighted where that is cheap."""

from __future__ import annotations

from functools import lru_cache

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Comment, Keyword, Literal, Name, Number, Operator, String, _TokenType, is_token_subtype
from pygments.util import ClassNotFound

from octui.tui.render.lines import Line, wrap_spans
from octui.tui.render.long_text import Block, body, is_long
from octui.tui.text import clean

MAX_HIGHLIGHTED = 20_000
"""Longer code, in characters, is shown plain: highlighting would be felt."""

_ROLES: tuple[tuple[_TokenType, str], ...] = (
    (Comment, "code-comment"),
    (Keyword, "code-keyword"),
    (Operator.Word, "code-keyword"),
    (String, "code-string"),
    (Number, "code-number"),
    (Literal, "code-number"),
    (Name.Function, "code-name"),
    (Name.Class, "code-name"),
    (Name.Decorator, "code-name"),
    (Name.Tag, "code-name"),
)


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    try:
        if "." in language:
            return get_lexer_for_filename(language, stripnl=False)
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return None


def _role(token: _TokenType) -> str:
    return next((role for kind, role in _ROLES if is_token_subtype(token, kind)), "code")


def code_lines(source: str, language: str) -> list[Line]:
    """Highlight code; ``language`` is a name such as ``python`` or a file name. One styled line a line of code."""
    source = clean(source)
    lexer = _lexer(language) if language and len(source) <= MAX_HIGHLIGHTED else None
    if lexer is None:
        return [[(row, "code")] for row in source.rstrip("\n").split("\n")]
    lines: list[Line] = [[]]
    for token, text in lexer.get_tokens(source):
        role = _role(token)
        for number, row in enumerate(text.split("\n")):
            if number:
                lines.append([])
            if row:
                lines[-1].append((row, role))
    while len(lines) > 1 and not lines[-1]:
        lines.pop()
    return lines


def code_view(source: str, language: str, width: int, *, indent: str = "  ") -> Block:
    """Give code of any length as a block: what is long is not highlighted."""
    if is_long(source):
        return body(source, width, "code", indent=indent)
    return [code_block(source, language, width, indent=indent)]


def code_block(source: str, language: str, width: int, *, indent: str = "  ") -> list[Line]:
    """Highlight and wrap code behind an indent."""
    wrapped: list[Line] = []
    for line in code_lines(source, language):
        wrapped.extend(wrap_spans(line, width, indent=indent, role="code"))
    return wrapped
