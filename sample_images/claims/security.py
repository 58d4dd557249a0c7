"""What security promises are measured with: imgaudit's score, checks and vulnerabilities, and docker's word beside."""

import math
from collections.abc import Callable, Sequence

from imgaudit.model import Image, Score, Vulnerability
from imgaudit.reports import numbers
from sample_images.claims.claim import Figure, NotMeasured
from sample_images.claims.data import NO_DATA
from sample_images.claims.exported import Asked, run_on_program
from sample_images.claims.figures import Measure, service
from sample_images.claims.lab import Lab

Answer = tuple[bool, str]
Fact = Callable[[Image], Answer]

SEVERE = ("critical", "high")
BUILD = ("IA401", "IA402", "IA403", "IA404", "IA405", "IA406", "IA407", "IA408", "IA409", "IA410")
"""Checks for what a build leaves behind and docker's export would show too; the shell has rows of its own."""
SURFACE = (*BUILD, "IA302", "IA305")
SECRETS = ("IA501", "IA502", "IA503", "IA504", "IA505", "IA506")
HARDENED = ("IA601", "IA602", "IA603", "IA604", "IA605", "IA608")


def score(name: str) -> Measure:
    """The score of 100, and what it may come to: points that were not measured are neither earned nor lost."""

    def measure(lab: Lab) -> Figure:
        found = _score(lab.image(name))
        return Figure(found.value, score_words(found), up_to=_most(found))

    return measure


def score_words(found: Score) -> str:
    """`88 of 100 (B); lost: 1 of program; not measured: 10 of vulnerabilities`."""
    lost = {part: found.of[part] - points - found.unmeasured[part] for part, points in found.parts.items()}
    words = [f"{found.value} of 100 ({found.grade})"]
    for what, points in (("lost", lost), ("not measured", found.unmeasured)):
        said = [f"{count} of {part.replace('_', ' ')}" for part, count in points.items() if count]
        words += [f"{what}: {', '.join(said)}"] if said else []
    return "; ".join(words)


def lead(name: str, others: Sequence[str]) -> Measure:
    """By how many points an image is ahead of the best of the others, at least and at most."""

    def measure(lab: Lab) -> Figure:
        mine, rest = _score(lab.image(name)), [_score(lab.image(other)) for other in others]
        least = mine.value - max(_most(each) or each.value for each in rest)
        most = (_most(mine) or mine.value) - max(each.value for each in rest)
        said = (f"{_span(each)} {each_name.partition(':')[2]}" for each_name, each in zip(others, rest, strict=True))
        return Figure(least, f"{_span(mine)} points, {', '.join(said)}", up_to=most if most > least else None)

    return measure


def _score(image: Image) -> Score:
    if image.score is None:
        raise NotMeasured(f"{image.label} has no score", failed=True)
    return image.score


def _most(found: Score) -> int | None:
    open_ = sum(found.unmeasured.values())
    return found.value + open_ if open_ else None


def _span(found: Score) -> str:
    most = _most(found)
    return f"{found.value} to {most}" if most is not None else str(found.value)


def vulnerabilities(name: str, *, severe: bool = False) -> Measure:
    """Known vulnerabilities of what is linked or installed, each once; severe: the critical and high ones.

    Those of packages that a program does not hold are told, not counted. What the data knows nothing of may have any
    number more.
    """

    def measure(lab: Lab) -> Figure:
        image = lab.image(name)
        items, unknown = _known(image)
        here = [item for item in items if item.state != "absent"]
        chosen = [item for item in here if item.severity in SEVERE] if severe else here
        unrated = _different([item for item in here if item.severity is None]) if severe else 0
        value = _different(chosen)
        most = math.inf if unknown else value + unrated
        words = f"{numbers.plural(value, 'vulnerability', 'vulnerabilities')}{' critical or high' if severe else ''}"
        words += f" and {unrated} of unknown severity" if unrated else ""
        if items:
            inside = _different([item for item in items if item.state == "symbol"])
            words += f", {inside} with their function in a program"
        if absent := _different(items) - _different(here):
            words += f"; {absent} more of modules of which nothing vulnerable is linked"
        return Figure(value, words + _nothing_known(unknown), up_to=most if most > value else None)

    return measure


def fewer_vulnerabilities(name: str, than: str) -> Measure:
    """Whether an image has fewer known ones than another; not told where the data knows nothing of a part of one."""

    def measure(lab: Lab) -> Figure:
        counts = []
        for each in (name, than):
            items, unknown = _known(lab.image(each))
            if unknown:
                raise NotMeasured(f"nothing is known of {unknown[0]} in {each}", here=True)
            counts.append(_different([item for item in items if item.state != "absent"]))
        return Figure(counts[0] < counts[1], f"{counts[0]}, {than.partition(':')[2]} has {counts[1]}")

    return measure


def _known(image: Image) -> tuple[tuple[Vulnerability, ...], list[str]]:
    """The vulnerabilities of an image, and of what nothing is known."""
    if image.vulnerabilities is None:
        raise NotMeasured(NO_DATA, here=True)
    return image.vulnerabilities.items, [each.what for each in image.vulnerabilities.unmatched]


def _different(items: Sequence[Vulnerability]) -> int:
    """In several programs it is still one to mend."""
    return len({(item.id, item.module) for item in items})


def _nothing_known(unknown: Sequence[str]) -> str:
    return f"; nothing is known of {numbers.listing(list(unknown), 2)}" if unknown else ""


def passes(*ids: str) -> Fact:
    """Whether none of these checks fails, and which did. Raises NotMeasured where one was skipped."""

    def ask(image: Image) -> Answer:
        checks = [check for check in image.checks if check.id in ids]
        failed = [f"{check.id} ({check.name})" for check in checks if check.status == "fail"]
        if failed:
            return False, f"fails: {numbers.listing(failed, 3)}"
        skipped = [check for check in checks if check.status == "skipped"]
        if skipped or len(checks) < len(ids):
            raise NotMeasured(f"{skipped[0].id}: {skipped[0].reason}" if skipped else "not all checks were made")
        return True, f"{numbers.plural(sum(check.status == 'pass' for check in checks), 'check')} passed"

    return ask


def reports(id_: str) -> Fact:
    """Whether this check fails."""

    def ask(image: Image) -> Answer:
        check = next((check for check in image.checks if check.id == id_), None)
        if check is None or check.status not in ("pass", "fail"):
            raise NotMeasured(f"{id_} was not asked")
        return check.status == "fail", f"{id_} ({check.name}) {'fails' if check.status == 'fail' else 'passes'}"

    return ask


def needs_nothing(image: Image) -> Answer:
    binary = service(image)
    needed = [*binary.needed, *([binary.interpreter] if binary.interpreter else [])]
    return not needed, numbers.listing(needed, 3) or f"{binary.path} asks for no library"


def no_c_code(image: Image) -> Answer:
    binary = service(image)
    if binary.go.cgo is None:
        raise NotMeasured("the program does not say whether it holds C code")
    return binary.go.cgo is False and needs_nothing(image)[0], f"cgo {'on' if binary.go.cgo else 'off'}"


def one_program(image: Image) -> Answer:
    paths = [binary.path for binary in image.binaries]
    packages = numbers.plural(len(image.packages), "OS package")
    return len(paths) == 1, f"{numbers.plural(len(paths), 'program')}, {packages}"


def twice(name: str, fact: Fact, asked: Asked) -> Measure:
    """A yes or no from imgaudit's audit and from docker's export of the same image, which have to agree."""
    return lambda lab: _agreed(lab.image(name), fact, "docker", lambda: asked(lab.exported(name)))


def and_says(name: str, fact: Fact, *command: str, expect: str) -> Measure:
    """A yes or no from imgaudit's audit and from another tool's word on the program, which have to agree."""

    def measure(lab: Lab) -> Figure:
        image, tag = lab.image(name), lab.tag(name)

        def other() -> Answer:
            told = run_on_program(image, tag, *command)
            lines = [line.strip() for line in told.splitlines() if expect in line]
            said = " ".join((lines or [f"no word of {expect}"])[0].split())
            return bool(lines), said.removeprefix(f"{command[0]}: ")

        return _agreed(image, fact, command[0], other)

    return measure


def _agreed(image: Image, fact: Fact, who: str, other: Callable[[], Answer]) -> Figure:
    first, words = fact(image)
    try:
        second, theirs = other()
    except NotMeasured as error:
        if not error.here:
            raise
        return Figure(first, f"imgaudit: {words}; {who} was not asked: {error}")
    said = f"imgaudit: {words}; {who}: {theirs}"
    if first is not second:
        raise NotMeasured(f"two ways to ask disagree: {said}", failed=True)
    return Figure(first, said)


def fewer_executables(name: str, than: str) -> Measure:
    """Whether an image holds less that can be run, by docker's export, and no more OS packages than another."""

    def measure(lab: Lab) -> Figure:
        counts = [(len(lab.exported(each).executables), len(lab.image(each).packages)) for each in (name, than)]
        (files, packages), (more_files, more_packages) = counts
        words = f"{numbers.plural(files, 'file')} that can be run, {numbers.plural(packages, 'OS package')}"
        fewer = files < more_files and packages <= more_packages
        return Figure(fewer, f"{words}, {than.partition(':')[2]} {more_files} and {more_packages}")

    return measure


def layer_count(name: str) -> Measure:
    """How many layers there are, by imgaudit and by docker."""

    def measure(lab: Lab) -> Figure:
        count, engine = len(lab.image(name).layers), lab.exported(name).layers
        if count != engine:
            raise NotMeasured(f"imgaudit counts {count} layers, docker {engine}", failed=True)
        return Figure(count, f"{count} layers, {len(lab.exported(name).history)} lines of docker history")

    return measure


def symbols_listed(name: str) -> Measure:
    """How many lines `nm` prints of the program that an image runs."""

    def measure(lab: Lab) -> Figure:
        said = run_on_program(lab.image(name), lab.tag(name), "nm")
        lines = [line for line in said.splitlines() if not line.startswith("nm:")]
        return Figure(len(lines), f"{len(lines)} symbols")

    return measure


def names_are_gone(name: str) -> Measure:
    """Whether a stripped Go program no longer tells the names of its packages."""

    def measure(lab: Lab) -> Figure:
        breakdown = service(lab.image(name)).size_breakdown
        if breakdown is None:
            raise NotMeasured("the program was not taken apart", failed=True)
        count = len(breakdown.packages)
        return Figure(not count, f"{numbers.plural(count, 'package')} can still be told by name, and what each weighs")

    return measure
