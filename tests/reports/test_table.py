"""What a terminal and a pipe show."""

import re

import msgspec
import pytest

from imgaudit import model
from imgaudit.reports import AnyReport, RenderOptions, render
from tests.support import accounts, probed, reports

SGR = re.compile(r"\x1b\[[0-9;]*m")


def table(report: AnyReport, **options: object) -> str:
    found = render(report, "table", RenderOptions(**options))  # type: ignore[arg-type]
    assert isinstance(found, str)
    return found


def test_the_first_line_is_the_verdict_and_the_last_the_next_step() -> None:
    lines = table(reports.compared()).splitlines()
    assert lines[0].startswith(
        "Recommended: distroless, 3.71 MB download, -45.2 MB (-92.4 %) against debian. It is the "
    )
    assert lines[-1] == (
        "Result: 9 images, 1 incomplete, 1 failed; exit code 4. "
        "Next: imgaudit inspect registry.example.org/shop:distroless"
    )


def test_a_failed_gate_comes_first() -> None:
    lines = table(reports.checked()).splitlines()
    assert lines[0].startswith("Failed: 1 of 3 gates, 1 not judged. Download of debian is 48.9 MB")
    assert lines[-1].endswith("exit code 3. Next: imgaudit inspect registry.example.org/shop:debian")


def test_one_image_says_that_it_was_not_compared() -> None:
    assert table(reports.report(reports.alpine())).splitlines()[0].endswith("can run; no checks were run; not compared")


def test_no_findings_is_said_only_of_what_was_checked_and_read() -> None:
    assert "; no findings; not compared" in table(reports.report(reports.distroless()))
    broken = msgspec.structs.replace(reports.incomplete(), checks=reports.distroless().checks)
    first = table(reports.report(broken)).splitlines()[0]
    assert "rootfs not measured, base unknown, not known whether it runs; no findings in what could be read" in first


def test_no_variant_recommended_says_why() -> None:
    images = (reports.cgo_on_scratch(), reports.incomplete())
    compared = reports.comparison(images, None, "none of them can run its program")
    first = table(reports.report(*images, comparison=compared)).splitlines()[0]
    assert first == "No variant can be recommended. None of them can run its program."


def test_nothing_but_failures_is_no_green() -> None:
    lines = table(reports.report(failed=(reports.FAILED,))).splitlines()
    assert lines[0] == "Nothing could be audited: 1 reference failed"
    assert "exit code 4" in lines[-1]


@pytest.mark.parametrize("width", [100, 80])
@pytest.mark.parametrize("color", [False, True])
def test_tables_fit_the_terminal(width: int, color: bool) -> None:
    for report in (
        reports.compared(),
        reports.checked(),
        reports.report(reports.debian()),
        reports.binaries(),
        accounts.one(),
        accounts.two(),
        probed.compared(),
        probed.image(),
        probed.broken(),
    ):
        lines = table(report, width=width, tty=True, color=color).splitlines()
        for line in lines[:-1]:  # the last holds a command, which is not broken
            assert len(SGR.sub("", line)) <= width, line


def test_a_narrow_terminal_names_the_columns_it_left_out() -> None:
    narrow = table(reports.compared(), width=80, tty=True)
    assert "Left out for width: base, platform, unpacked, binary." in narrow
    assert "Left out" not in table(reports.compared(), width=160, tty=True).split("What each has")[0]


def test_a_figure_is_never_cut() -> None:
    narrow = table(probed.compared(), width=40, tty=True)
    section = narrow.partition("When started")[2].partition("Ready is")[0]
    assert "6.82 ms (6.10 to 9.40, 5 runs)" in section
    assert "…" in section, "the labels are"


def test_what_dead_bytes_are_made_of_does_not_push_out_what_the_sizes_mean() -> None:
    image = reports.debian()
    dead = model.DeadBytes(total=232_000, overwritten=222_000, metadata_only=5_000, deleted=3_000, opaque_hidden=2_000)
    image = msgspec.structs.replace(image, size=msgspec.structs.replace(image.size, dead=dead))
    narrow = table(reports.report(image), width=80, tty=True)
    section = narrow.partition("\nSizes")[2].partition("\nLayers")[0]
    assert "what it counts" in section
    assert "duplicate" in section
    assert "Left out" not in section
    assert "222 kB overwritten, 5.00 kB copied for a change of mode or owner" in section


def test_a_pipe_loses_nothing() -> None:
    label = "x" * 300
    report = reports.report(*(reports.image(label, (), {}, reference="short") for _ in range(2)))
    assert label in table(report, width=80)
    assert label not in table(report, width=80, tty=True)
    packages = table(reports.report(reports.debian()))
    assert packages.count("\nlib") == 90
    assert "Left out" not in packages
    assert "more:" not in packages
    assert "80 more: " in table(reports.report(reports.debian()), tty=True)


def test_status_is_word_and_shape() -> None:
    text = table(reports.compared())
    for status in ("✓ yes", "✗ no", "– unknown", "– not read", "✗ none"):
        assert status in text


def test_words_for_what_is_not_a_number() -> None:
    text = table(reports.compared())
    for word in ("not measured", "not comparable", "reference", "~2.75 MB", "~ is an estimate", "decimal"):
        assert word in text


def test_a_difference_of_estimates_is_an_estimate() -> None:
    other = msgspec.structs.replace(
        reports.arm64(),
        label="other",
        size=msgspec.structs.replace(reports.arm64().size, download=2_000_000),
    )
    images = (reports.arm64(), other)
    text = table(reports.report(*images, comparison=reports.comparison(images, "other", "smaller")))
    assert text.startswith("Recommended: other, ~2.00 MB download, ~-751 kB (-27.3 %) against arm64. Smaller.")


def test_skipped_and_failed_are_named() -> None:
    text = table(reports.compared())
    assert "incomplete: layer 1 skipped: gzip data ends early, at byte 2,999,800" in text
    assert "gone: failed: The registry has no such tag. (exit code 4)" in text
    assert "/app/other not analysed: over the limit of 256 MiB" in text
    assert "IA020: the binary was not analysed" in text.split("Not looked at")[1]


def test_colour_only_where_it_was_asked_for() -> None:
    assert "\x1b" not in table(reports.compared(), tty=True)
    coloured = table(reports.compared(), tty=True, color=True)
    assert "\x1b[32m✓\x1b[0m yes" in coloured
    assert SGR.sub("", coloured) == table(reports.compared(), tty=True)


def test_ascii_output_is_ascii_and_keeps_its_columns() -> None:
    plain = table(reports.compared(), unicode=False)
    assert plain.isascii()
    assert "+ yes" in plain
    assert [len(line) for line in plain.splitlines()] == [len(line) for line in table(reports.compared()).splitlines()]
    assert table(reports.hostile(), unicode=False, tty=True).isascii()


def test_bars_are_as_long_as_their_shares() -> None:
    text = table(reports.report(reports.debian()))
    bars = {line.split("  ")[0]: line.count("█") + line.count("▌") / 2 for line in text.splitlines() if "%  " in line}
    assert bars["os files"] == 26
    assert bars["go code"] == 1


def test_changes_add_up_in_words() -> None:
    cause = model.Cause(cause="layer-added", bytes=700_000, detail="COPY", estimated=True)
    change = model.Change(label="b", measure="rootfs", delta=1_000_000, causes=(cause,), unexplained=300_000)
    images = (reports.scratch(), reports.alpine())
    base = reports.comparison(images, "scratch", "smallest")
    compared = model.Comparison(
        reference=base.reference,
        reference_kind="baseline",
        variants=base.variants,
        shared=(),
        changes=(change, msgspec.structs.replace(change, label="c")),
        recommendation=None,
    )
    text = table(reports.report(*images, comparison=compared))
    assert "  b: rootfs +1.00 MB\n    ~+700 kB  layer added: COPY\n     +300 kB  unexplained\n" in text
    assert text.startswith("No recommendation: 2 compared with the baseline")
    assert "No layer is shared" in text
    alone = msgspec.structs.replace(compared, changes=(), variants=base.variants[:1])
    assert "hared" not in table(reports.report(images[0], comparison=alone))
