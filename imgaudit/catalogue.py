"""Every check, as users read of it: what, why, how to fix, references. As text, JSON and Markdown."""

import dataclasses
import json
import textwrap
from collections.abc import Sequence

from imgaudit.checks.interface import Rule
from imgaudit.checks.registry import FAMILIES
from imgaudit.system.structure import RULES

_ODD = (
    "A file that does not follow its format is read in more than one way: a scanner may see other files than the "
    "engine that runs the image."
)


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    family: str
    rule: Rule


def entries() -> tuple[Entry, ...]:
    """All of them, by id."""
    structure = (
        Rule(rule.id, rule.kind, rule.title, rule.severity, rule.message, _ODD, rule.remediation) for rule in RULES
    )
    found = [Entry("structure", rule) for rule in structure]
    found += [Entry(family, check.rule) for family, checks in FAMILIES for check in checks]
    return tuple(sorted(found, key=lambda entry: entry.rule.id))


def find_entry(word: str) -> Entry | None:
    """By id or name, in any case."""
    wanted = word.lower()
    return next((entry for entry in entries() if wanted in (entry.rule.id.lower(), entry.rule.name)), None)


def as_text(found: Sequence[Entry], width: int) -> str:
    """A line for each, under its family's name."""
    lines: list[str] = []
    family = ""
    longest = max(len(entry.rule.severity) for entry in found)
    for entry in found:
        if entry.family != family:
            family = entry.family
            lines += [*([""] if lines else []), family[0].upper() + family[1:]]
        head = f"  {entry.rule.id}  {entry.rule.severity:<{longest}}  "
        lines += textwrap.wrap(entry.rule.title, max(width, 40), initial_indent=head, subsequent_indent=" " * len(head))
    return "\n".join((*lines, "", "What one means: imgaudit checks ID", ""))


def as_page(entry: Entry, width: int) -> str:
    """One check, whole."""
    rule = entry.rule
    lines = [f"{rule.id} {rule.title}", f"{entry.family}, {rule.name}, severity {_severity(rule)}"]
    for name, text in (("What", rule.what), ("Why", rule.why), ("How to fix", rule.fix)):
        wrapped = textwrap.wrap(text, max(min(width, 100), 40) - 2, break_on_hyphens=False, break_long_words=False)
        lines += ["", name, *(f"  {line}" for line in wrapped)]
    if rule.references:
        lines += ["", "References", *(f"  {reference}" for reference in rule.references)]
    return "\n".join(lines) + "\n"


def as_json(found: Sequence[Entry]) -> str:
    rows = [
        {"family": entry.family, **{key: getattr(entry.rule, key) for key in Rule.__dataclass_fields__}}
        for entry in found
    ]
    return json.dumps({"checks": rows}, indent=2, ensure_ascii=False) + "\n"


def as_markdown(found: Sequence[Entry]) -> str:
    """A table, then a section for each check, as in docs/checks.md."""
    lines = ["| id | | severity |", "|-|-|-|"]
    lines += [f"| [{e.rule.id}](#{e.rule.id.lower()}) | {e.rule.title} | {e.rule.severity} |" for e in found]
    family = ""
    for entry in found:
        rule = entry.rule
        if entry.family != family:
            family = entry.family
            lines += ["", f"## {family[0].upper()}{family[1:]}"]
        lines += [
            "",
            f"### {rule.id}",
            f"**{rule.title}** (`{rule.name}`, {_severity(rule)})",
            "",
            _plain(rule.what),
            "",
        ]
        lines += [f"Why: {_plain(rule.why)}", "", f"Fix: {_plain(rule.fix)}"]
        if rule.references:
            lines += ["", f"See: {', '.join(rule.references)}"]
    return "\n".join(lines) + "\n"


def _severity(rule: Rule) -> str:
    return rule.severity if rule.may_be is None else f"{rule.severity}, at worst {rule.may_be}"


def _plain(text: str) -> str:
    """Of Markdown's marks, those that the texts hold and that would be taken for some."""
    return text.replace("*", r"\*").replace("<", "&lt;")
