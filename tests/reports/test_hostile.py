"""Rows 48, 52 and 53 of hostile input: a name is inert in every format."""

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from imgaudit.reports import AnyReport, RenderOptions, load_report, render
from tests.support import accounts, reports

REPORTS: dict[str, AnyReport] = {
    "compare": reports.hostile_compared(),
    "list": reports.hostile(),
    "accounts": accounts.hostile(),
    **{f"image {n}": reports.report(image) for n, image in enumerate(reports.hostile().images)},
}
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def text_of(report: AnyReport, format: str, **options: object) -> str:
    found = render(report, format, RenderOptions(**options))  # type: ignore[arg-type]
    return found if isinstance(found, str) else found.decode()


@pytest.mark.parametrize("case", REPORTS)
@pytest.mark.parametrize("tty", [False, True])
def test_a_terminal_gets_no_control_character_from_a_name(case: str, tty: bool) -> None:
    assert CONTROLS.search(text_of(REPORTS[case], "table", tty=tty)) is None
    coloured = text_of(REPORTS[case], "table", tty=tty, color=True)
    assert CONTROLS.search(re.sub(r"\x1b\[[0-9;]+m", "", coloured)) is None
    assert set(re.findall(r"\x1b[^m]*m", coloured)) <= {f"\x1b[{n}m" for n in (0, 1, 2, 31, 32, 33, 36)}


@pytest.mark.parametrize("case", REPORTS)
@pytest.mark.parametrize("format", ["table", "markdown", "html", "json"])
def test_no_line_is_a_workflow_command(case: str, format: str) -> None:
    for line in re.split("[\r\n]", text_of(REPORTS[case], format)):
        assert not line.startswith("::")
        assert not line.lstrip().startswith("::stop-commands")


@pytest.mark.parametrize("case", REPORTS)
@pytest.mark.parametrize("format", ["markdown", "html", "json"])
def test_no_control_character_in_a_file(case: str, format: str) -> None:
    text = text_of(REPORTS[case], format)
    # In Markdown a zero-width space is ours, written as an entity.
    assert CONTROLS.search(text) is None
    assert "\r" not in text
    text.encode()


@pytest.mark.parametrize("case", REPORTS)
def test_markdown_holds_only_our_own_elements(case: str) -> None:
    text = text_of(REPORTS[case], "markdown")
    tags = set(re.findall(r"<[^>]*>?", text))
    marker = text.splitlines()[0]
    own = {"<code>", "</code>", "<details>", "</details>", "<summary>", "</summary>", "<sub>", "</sub>", "<!-- -->"}
    assert tags - own <= {marker}
    body = text.removeprefix(marker)
    assert "](" not in body
    assert "`" not in body
    assert not re.search(r"(?<!&#)(?<!\w)@\w", body)
    assert not re.search(r"(?<!&)#\d", body)
    assert "://" not in body
    assert len(text) <= 65_536


@pytest.mark.parametrize("case", REPORTS)
def test_a_markdown_parser_finds_only_what_we_wrote(case: str) -> None:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = parser.parse(text_of(REPORTS[case], "markdown"))
    inline = [child for token in tokens for child in token.children or ()]
    assert {token.type for token in inline} <= {"text", "html_inline", "strong_open", "strong_close", "softbreak"}
    allowed = ("<code>", "</code>", "<!-- -->", "<sub>", "</sub>")
    assert all(token.content in allowed for token in inline if token.type == "html_inline")
    blocks = {token.type for token in tokens}
    assert not blocks & {"heading_open", "hr", "blockquote_open", "ordered_list_open", "fence", "code_block"}
    for token in tokens:
        if token.type == "html_block":
            for line in token.content.splitlines():
                assert re.match(r"<(details|/details|summary)>|<!-- imgaudit:[^>]* -->$", line), line


class Texts(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.seen: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.seen.append(data)


@pytest.mark.parametrize("case", REPORTS)
def test_a_name_is_text_in_html(case: str) -> None:
    parsed = Texts(text_of(REPORTS[case], "html"))
    assert "img" not in parsed.tags
    if case == "compare":
        assert any("<script>alert(1)</script>" in text for text in parsed.seen)


@pytest.mark.parametrize("case", REPORTS)
def test_json_keeps_every_name_as_it_was(case: str) -> None:
    data = render(REPORTS[case], "json")
    assert isinstance(data, bytes)
    assert load_report(data) == REPORTS[case]
    json.loads(data)


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(codec=None), min_size=1, max_size=40))
@example("\ud800")
@example("\udc80x")
def test_any_name_in_any_format(name: str) -> None:
    image = reports.image(name, (reports.layer(0, "x", 1_000, created_by=name),), {"other files": 1_000})
    report = reports.report(image, image)
    for format in ("table", "markdown", "html", "json"):
        assert CONTROLS.search(text_of(report, format, tty=True)) is None
    data = render(report, "json")
    assert isinstance(data, bytes)
    if not re.search("[\ud800-\udbff][\udc00-\udfff]", name):  # JSON reads the two as one character
        assert load_report(data) == report
