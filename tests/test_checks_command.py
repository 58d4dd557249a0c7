"""imgaudit checks, the page in docs, and that every check explains itself."""

import os
import pathlib
import re

import pytest

from imgaudit.catalogue import as_markdown, as_page, entries
from tests.support.cli import Cli

MARK = "rewrites it -->\n\n"
DOCKLE = (
    *(f"CIS-DI-{number:04}" for number in (1, 5, 6, 7, 8, 9, 10)),
    *(f"DKL-DI-{number:04}" for number in range(1, 7)),
    *(f"DKL-LI-{number:04}" for number in range(1, 4)),
)


@pytest.fixture
def page(repo: pathlib.Path) -> str:
    return (repo / "docs" / "checks.md").read_text()


def test_ids_and_names_are_unique_and_every_check_explains_itself() -> None:
    rules = [entry.rule for entry in entries()]
    assert len({rule.id for rule in rules}) == len({rule.name for rule in rules}) == len(rules)
    for rule in rules:
        assert re.fullmatch(r"IA[1-7]\d\d", rule.id)
        assert rule.what.endswith("."), rule.id
        assert rule.why.endswith("."), rule.id
        assert rule.fix, rule.id
        assert not rule.title.endswith("."), rule.id


def test_the_page_in_docs_is_what_the_command_writes(page: str, repo: pathlib.Path) -> None:
    own, mark, listed = page.partition(MARK.rstrip("\n") + "\n")
    assert mark
    written = as_markdown(entries())
    if os.environ.get("IMGAUDIT_UPDATE_GOLDEN"):
        (repo / "docs" / "checks.md").write_text(f"{own}{mark}\n{written}")
        return
    assert listed.strip() == written.strip(), "IMGAUDIT_UPDATE_GOLDEN=1 rewrites docs/checks.md"


def test_dockles_sixteen_are_covered_by_checks_that_exist(page: str) -> None:
    rows = re.findall(r"^\| ((?:CIS|DKL)-[DL]I-\d{4}) \| [^|]+ \| ([^|]+) \|", page, re.MULTILINE)
    assert [row[0] for row in rows] == list(DOCKLE)
    known = {entry.rule.id for entry in entries()}
    own = page.partition(MARK)[0]
    assert set(re.findall(r"IA[1-7]\d\d", own)) <= known
    covers = dict(rows)
    for entry in entries():
        for reference in entry.rule.references:
            name = reference.removeprefix("dockle ")
            if name != reference:
                assert entry.rule.id in covers[name] or " to " in covers[name], (entry.rule.id, name)


def test_the_list(cli: Cli) -> None:
    done = cli("checks")
    assert done.code == 0
    for entry in entries():
        assert f"  {entry.rule.id}  {entry.rule.severity}" in done.out
    assert "Left behind\n  IA401" in done.out


@pytest.mark.parametrize("word", ["IA401", "ia401", "go-toolchain"])
def test_one_check(word: str, cli: Cli) -> None:
    done = cli("checks", word)
    assert done.code == 0
    assert done.out.startswith("IA401 The Go toolchain is in the image\nleft behind, go-toolchain, severity medium\n")
    assert "How to fix\n  Build in one stage" in done.out
    assert "References\n  CIS Docker Benchmark 4.3\n" in done.out


def test_as_json(cli: Cli, tmp_path: pathlib.Path) -> None:
    rows = cli("checks", "-o", "json").json["checks"]
    assert [row["id"] for row in rows] == [entry.rule.id for entry in entries()]
    (row,) = cli("checks", "IA606", "-o", "json").json["checks"]
    assert set(row) == {"family", "id", "name", "title", "severity", "what", "why", "fix", "references", "may_be"}
    file = tmp_path / "checks.md"
    assert cli("checks", "-o", f"markdown={file}").out == ""
    assert file.read_text() == as_markdown(entries())


def test_what_is_not_there(cli: Cli) -> None:
    assert (cli("checks", "IA999").code, cli("checks", "-o", "html").code) == (2, 2)
    assert "there is no check 'IA999'" in cli("checks", "IA999").err


def test_pages_fit_a_narrow_terminal() -> None:
    for entry in entries():
        lines = as_page(entry, 60).splitlines()[2:]
        assert all(len(line) <= 60 or " " not in line.strip() for line in lines), entry.rule.id
