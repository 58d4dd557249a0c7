"""Each format's whole output, kept in golden/. IMGAUDIT_UPDATE_GOLDEN=1 writes them anew: read the diff."""

import os
from pathlib import Path

import pytest

from imgaudit.reports import REPORTS, AnyReport, RenderOptions, render
from imgaudit.reports.sbom import one_each
from tests.support import accounts, gated, probed, reports

GOLDEN = Path(__file__).parent / "golden"
CASES: dict[str, AnyReport] = {
    "compare": reports.compared(),
    "image": reports.report(reports.debian()),
    "incomplete": reports.report(reports.incomplete()),
    "check": reports.checked(),
    "binary": reports.binaries(),
    "account": accounts.one(),
    "accounts": accounts.two(),
    "hostile": reports.hostile_compared(),
    "probed": probed.compared(),
    "probed-image": probed.image(),
    "probed-broken": probed.broken(),
    "gated": gated.report(),
}
VIEWS = {
    "table.terminal.txt": ("table", RenderOptions(width=100, tty=True)),
    "table.narrow.txt": ("table", RenderOptions(width=80, tty=True, color=True)),
    "table.ascii.txt": ("table", RenderOptions(width=100, unicode=False)),
    "txt": ("table", RenderOptions()),
    "json": ("json", RenderOptions()),
    "md": ("markdown", RenderOptions()),
    "html": ("html", RenderOptions()),
    "junit.xml": ("junit", RenderOptions()),
    "gitlab.json": ("gitlab", RenderOptions()),
    "github.md": ("github", RenderOptions(key="CI/image")),
    "sarif": ("sarif", RenderOptions()),
}
PIPELINE = ("junit.xml", "gitlab.json", "github.md", "sarif")
# What 10,000-character names make large is looked at in test_hostile.py.
SKIPPED = {("image", "table.narrow.txt"), ("image", "table.ascii.txt"), ("compare", "json"), ("hostile", "md")}
SKIPPED |= {("probed", "json"), ("probed", "table.ascii.txt")}
KEPT = {("account", "html"), ("account", "table.narrow.txt"), ("accounts", "txt")}
FILES = [
    (case, view)
    for case in CASES
    for view in VIEWS
    if view not in PIPELINE
    and (case in ("compare", "image", "probed") or (case, view) in KEPT or view in ("table.terminal.txt", "md"))
    and (case, view) not in SKIPPED
]
FILES += [(case, view) for case in ("gated", "binary", "incomplete") for view in PIPELINE]


@pytest.mark.parametrize(("case", "view"), FILES)
def test_output_is_the_golden_one(case: str, view: str) -> None:
    format, options = VIEWS[view]
    found = render(CASES[case], format, options)
    data = found.encode() if isinstance(found, str) else found
    path = GOLDEN / f"{case}.{view}"
    if os.environ.get("IMGAUDIT_UPDATE_GOLDEN"):
        path.write_bytes(data)
    assert data == path.read_bytes(), f"{path.name} differs; IMGAUDIT_UPDATE_GOLDEN=1 writes it anew"


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"{case}.{view}" for case, view in FILES}


@pytest.mark.parametrize("format", REPORTS)
@pytest.mark.parametrize("case", CASES)
def test_same_input_same_bytes(case: str, format: str) -> None:
    each = [one for _, one in one_each(CASES[case])] if REPORTS[format].one else [CASES[case]]
    for one in each:
        assert render(one, format) == render(one, format)
