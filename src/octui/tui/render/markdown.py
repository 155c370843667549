"""Markdown of an assistant's answer as styled lines: what reads well in a narrow pane, and nothing that runs.

Links show their text and address. Entities such as ``&#8238;`` become characters while parsing, so text is cleaned
after it as well; nothing in the text is ever parsed as Rich or Textual markup.
"""

from __future__ import annotations

from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.cells import cell_len

from octui.tui.render.code import code_block
from octui.tui.render.lines import Line, Span, plain, width_of, wrap_spans, wrap_text
from octui.tui.text import clean, clean_line, cut

MAX_MARKDOWN = 60_000
"""Longer text, in characters, is wrapped as it stands."""


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def markdown_lines(text: str, width: int, *, role: str = "text", bullet: str = "•", rule: str = "─") -> list[Line]:
    """Render Markdown into lines at most ``width`` cells wide."""
    text = clean(text).strip("\n")
    if len(text) > MAX_MARKDOWN:
        return wrap_text(text, width, role)
    return _Renderer(width, role, bullet, rule).render(_parser().parse(text))


class _Renderer:
    """Walks the block tokens once; ``prefix`` is what stands before every line of the open lists and quotes."""

    def __init__(self, width: int, role: str, bullet: str, rule: str) -> None:
        self.width = width
        self.role = role
        self.bullet = bullet
        self.rule = rule
        self.lines: list[Line] = []
        self.prefix: list[str] = []
        self.marker: str | None = None
        self.numbers: list[int | None] = []
        self.tight = 0

    def render(self, tokens: list[Token]) -> list[Line]:
        heading = False
        position = 0
        while position < len(tokens):
            token = tokens[position]
            match token.type:
                case "heading_open":
                    heading = True
                    self._gap()
                case "heading_close":
                    heading = False
                case "paragraph_open":
                    if not token.hidden and self.marker is None:
                        self._gap()
                case "inline":
                    self._paragraph(self._inline(token, "heading/bold" if heading else self.role))
                case "bullet_list_open" | "ordered_list_open":
                    if not self.numbers:
                        self._gap()
                    self.numbers.append(int(token.attrGet("start") or 1) if token.type[0] == "o" else None)
                case "bullet_list_close" | "ordered_list_close":
                    self.numbers.pop()
                case "list_item_open":
                    self._open_item()
                case "list_item_close":
                    self.prefix.pop()
                    self.marker = None
                case "blockquote_open":
                    self._gap()
                    self.prefix.append("│ ")
                case "blockquote_close":
                    self.prefix.pop()
                case "fence" | "code_block":
                    self._code(token)
                case "hr":
                    self._gap()
                    self._emit([(self.rule * min(self.width, 24), "faint")])
                case "table_open":
                    end = next(i for i in range(position, len(tokens)) if tokens[i].type == "table_close")
                    self._table(tokens[position:end])
                    position = end
                case "html_block":
                    self._paragraph([(clean(token.content).rstrip("\n"), self.role)])
            position += 1
        return self.lines

    def _gap(self) -> None:
        if self.lines and plain(self.lines[-1]).strip():
            self.lines.append([])

    def _open_item(self) -> None:
        number = self.numbers[-1]
        marker = f"{self.bullet} " if number is None else f"{number}. "
        if number is not None:
            self.numbers[-1] = number + 1
        self.marker = "".join(self.prefix) + marker
        self.prefix.append(" " * cell_len(marker))

    def _emit(self, line: Line) -> None:
        lead = self.marker if self.marker is not None else "".join(self.prefix)
        self.marker = None
        self.lines.append([(lead, "muted"), *line] if lead else line)

    def _paragraph(self, spans: Line) -> None:
        for row in _split_rows(spans):
            for piece in wrap_spans(row, self.width - cell_len("".join(self.prefix))):
                self._emit(piece)

    def _code(self, token: Token) -> None:
        if self.marker is None:
            self._gap()
        language = token.info.split()[0] if token.info.strip() else ""
        for line in code_block(token.content, language, self.width - cell_len("".join(self.prefix))):
            self._emit(line)

    def _table(self, tokens: list[Token]) -> None:
        self._gap()
        rows: list[list[Line]] = []
        for token in tokens:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(self._inline(token, "heading/bold" if len(rows) == 1 else self.role))
        columns = max(map(len, rows))
        room = max(columns * 4, self.width - cell_len("".join(self.prefix)) - 2 * (columns - 1))
        widths = [max((width_of(row[i]) for row in rows if i < len(row)), default=0) for i in range(columns)]
        while sum(widths) > room:
            widest = widths.index(max(widths))
            widths[widest] -= 1
        for row in rows:
            line: Line = []
            for cell, width in zip(row, widths, strict=False):
                text = plain(cell)
                fitted = cell if width_of(cell) <= width else [(cut(text, width), self.role)]
                line += [*fitted, (" " * (width - width_of(fitted) + 2), self.role)]
            self._emit(line)

    def _inline(self, token: Token, role: str) -> Line:
        """Flatten inline tokens into spans; a newline is a span of its own."""
        spans: list[Span] = []
        modifiers: list[str] = []
        link = ""
        for child in token.children or ():
            match child.type:
                case "text" | "html_inline":
                    spans.append((clean_line(child.content), "/".join([role, *modifiers])))
                case "code_inline":
                    spans.append((clean_line(child.content), "code"))
                case "strong_open":
                    modifiers.append("bold")
                case "em_open":
                    modifiers.append("italic")
                case "s_open":
                    modifiers.append("strike")
                case "strong_close" | "em_close" | "s_close":
                    modifiers.pop()
                case "softbreak":
                    spans.append((" ", role))
                case "hardbreak":
                    spans.append(("\n", role))
                case "link_open":
                    link = clean_line(str(child.attrGet("href") or ""))
                case "link_close":
                    if link and not (spans and spans[-1][0] == link):
                        spans.append((f" ({link})", "muted"))
                case "image":
                    spans.append((f"[{clean_line(child.content) or 'image'}]", "muted"))
        return spans


def _split_rows(spans: Line) -> list[Line]:
    rows: list[Line] = [[]]
    for text, role in spans:
        for number, part in enumerate(text.split("\n")):
            if number:
                rows.append([])
            if part:
                rows[-1].append((part, role))
    return rows
