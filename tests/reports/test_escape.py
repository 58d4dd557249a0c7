"""Names are made printable once, losing nothing that a reader could see."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgaudit import model
from imgaudit.reports import escape
from tests.support import reports

ANYTHING = st.text(st.characters(codec=None), max_size=60)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain-name_1.2:3", "plain-name_1.2:3"),
        ("a\nb\rc\td", "a\\nb\\rc\\td"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202egnp", "\\u202egnp"),
        ("\u2066\u200b\ufeff", "\\u2066\\u200b\\ufeff"),
        ("\udcff", "\\udcff"),
        ("nul\x00", "nul\\x00"),
        ("\x85\u2028\u2029", "\\x85\\u2028\\u2029"),
        ("\U000e0041", "\\U000e0041"),
        ("\u3164", "\\u3164"),
        ("a\xa0b", "a\\xa0b"),
        ("größe 漢字", "größe 漢字"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert escape.printable(text) == shown


def test_ascii_only() -> None:
    assert escape.printable("größe 漢", ascii_only=True) == "gr\\xf6\\xdfe \\u6f22"


@given(ANYTHING)
def test_printable_is_one_line_of_printable_characters_and_stays_so(text: str) -> None:
    shown = escape.printable(text)
    assert shown.isprintable()
    assert escape.printable(shown) == shown
    shown.encode()


def test_a_clean_report_is_not_copied() -> None:
    report = reports.compared()
    assert escape.printable_report(report) is report


def test_every_string_of_a_report_is_made_printable() -> None:
    def strings(value: object) -> list[str]:
        if isinstance(value, str):
            return [value]
        if isinstance(value, dict):
            return [text for pair in value.items() for item in pair for text in strings(item)]
        if isinstance(value, tuple):
            return [text for item in value for text in strings(item)]
        names = getattr(value, "__struct_fields__", ())
        return [text for name in names for text in strings(getattr(value, name))]

    report = reports.hostile_compared()
    assert any("\x1b" in text for text in strings(report))
    cleaned = escape.printable_report(report)
    assert isinstance(cleaned, model.Report)
    for image in cleaned.images:
        assert image.probe is not None
        assert image.probe.output is not None
        # Of what a program wrote the line ends stay, and only they.
        assert all(line.isprintable() for line in image.probe.output.split("\n"))
    kept = msgspec.structs.replace(cleaned, images=tuple(_without_output(image) for image in cleaned.images))
    assert all(text.isprintable() for text in strings(kept))


def _without_output(image: model.Image) -> model.Image:
    assert image.probe is not None
    return msgspec.structs.replace(image, probe=msgspec.structs.replace(image.probe, output=None))


def test_output_keeps_its_lines_and_its_indents() -> None:
    probe = model.Probe(runs=0, output="panic:\r\n\tmain.go:3\n\x1b[2J\u2028end\n")
    assert escape.printable_report(probe).output == "panic:\n    main.go:3\n\\x1b[2J\\u2028end\n"
    assert escape.printable_report(model.Probe(runs=0, output="é\nb"), ascii_only=True).output == "\\xe9\nb"


@given(ANYTHING, st.integers(0, 50))
def test_shorten_keeps_both_ends_and_the_limit(text: str, limit: int) -> None:
    short = escape.shorten(text, limit)
    assert len(short) <= limit
    if len(text) <= limit:
        assert short == text
    elif limit >= 3:
        assert "…" in short


@given(ANYTHING)
def test_markdown_has_no_character_left_that_means_something(text: str) -> None:
    for shown in (
        escape.markdown_text(text),
        escape.markdown_code(text).removeprefix("<code>").removesuffix("</code>").replace("<!-- -->", ""),
    ):
        assert not set("<>|`*_[]{}~$\\\n\r") & set(shown)
        assert "://" not in shown
        assert "www." not in shown.lower()
        for position, char in enumerate(shown):
            if char == "@":
                pytest.fail(f"a bare @ in {shown!r}")
            if char == "#":
                assert shown[position - 1] == "&"
            if char == "&":
                assert shown[position + 1] == "#"


def test_markdown_reads_as_the_text_it_came_from() -> None:
    import html

    text = "a|b `c` *d* <e> & @f #1 http://g www.h"
    assert html.unescape(escape.markdown_text(text)).replace("\u200b", "") == text
    assert html.unescape(escape.markdown_code(text)).replace("<!-- -->", "") == f"<code>{text}</code>"
