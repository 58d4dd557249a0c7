"""The orders of versions: Go's, Debian's against dpkg, Alpine's against apk."""

import itertools
import random
import re
import subprocess
import time
from collections.abc import Callable

import pytest

from imgaudit.vulnerabilities.apk import parse_apk
from imgaudit.vulnerabilities.deb import parse_deb
from imgaudit.vulnerabilities.interface import Affected, Event, Range
from imgaudit.vulnerabilities.ranges import fixes
from imgaudit.vulnerabilities.semver import go_name, go_release, parse_semver
from tests.support.tools import need, need_engine

PAIRS = 600

# Rising; by semver.org (11.4), by pseudo-versions as golang.org/ref/mod has them.
RISING = (
    "v0.0.0-20190308221718-c2843e01d9a2",
    "v0.0.0-20210921155107-089bfa567519",
    "v0.0.0",
    "0.3.7-0.20211103000000-abcdefabcdef",
    "v0.3.7",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "v1.0.1-0.20200101000000-abcdefabcdef",
    "v1.0.1",
    "v2.0.0+incompatible",
    "v10.0.0",
)


def test_go_modules() -> None:
    keys = [parse_semver(text) for text in RISING]
    assert None not in keys
    for one, other in itertools.pairwise(keys):
        assert one is not None
        assert other is not None
        assert one < other


def test_what_has_no_order_is_equal() -> None:
    assert parse_semver("v2.0.0+incompatible") == parse_semver("2.0.0") == parse_semver("v2.0.0+dirty")
    assert parse_semver("v1") == parse_semver("1.0") == parse_semver("1.0.0")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "(devel)",
        "v",
        "v1.2.3.4",
        "01.2.3",
        "v1.2.3-",
        "v1.2.3-a..b",
        "1.2.3-ä",
        "latest",
        "v1.2.3-\n",
        "v" + "9" * 40,
    ],
)
def test_no_version_of_a_module(text: str) -> None:
    assert parse_semver(text) is None


@pytest.mark.parametrize(
    ("version", "release", "name"),
    [
        ("go1.26.8", "1.26.8", "go1.26.8"),
        ("go1.26", "1.26.0", "go1.26.0"),
        ("go1.20", "1.20.0", "go1.20"),
        ("go1.26rc2", "1.26.0-rc.2", "go1.26rc2"),
        ("go1.9beta1", "1.9.0-beta.1", "go1.9beta1"),
        ("go1.22.4 X:boringcrypto", "1.22.4", "go1.22.4"),
        ("go1.25.3 fips", "1.25.3", "go1.25.3"),
        ("go1.26rc2 X:synctest", "1.26.0-rc.2", "go1.26rc2"),
        ("go1.24.0 (Red Hat 1.24.0-2.el9)", "1.24.0", "go1.24.0"),
    ],
)
def test_go_itself(version: str, release: str, name: str) -> None:
    assert go_release(version) == release
    assert go_name(release) == name


# What is built from a source of someone's own; what it has fixed is not known, and govulncheck doesn't judge it either.
_BUILDS = [
    "go1.20.4-x",
    "go1.20-20260317-RC01 cl/123456789 +abcdef",
    "go1.22.5+auto",
    "go1.25.3-fips",
    "go1.25.0-rc.1",
    "go1.24.3.1",
    "go1.21.03",
    "weekly",
]


@pytest.mark.parametrize(
    "version", ["devel go1.27-abc123 Mon Jan 5", "go1.27-devel_abc", "devel +0123", "", None, "1.26", *_BUILDS]
)
def test_go_between_releases(version: str | None) -> None:
    assert go_release(version) is None


def test_a_release_candidate_comes_before_its_release() -> None:
    one, two = parse_semver(go_release("go1.26rc2") or ""), parse_semver(go_release("go1.26") or "")
    assert one is not None
    assert two is not None
    assert one < two


@pytest.mark.thorough
def test_debian_as_dpkg_orders() -> None:
    need("dpkg")
    rng = random.Random(7)
    judged = 0
    for _ in range(PAIRS):
        one = _deb(rng)
        other = _variant(rng, one, _deb)
        keys = parse_deb(one), parse_deb(other)
        if keys[0] is None or keys[1] is None:
            continue
        relation = "lt" if keys[0] < keys[1] else "gt" if keys[0] > keys[1] else "eq"
        done = subprocess.run(["dpkg", "--compare-versions", one, relation, other], capture_output=True, check=False)
        assert done.returncode == 0, (one, relation, other, done.stderr)
        judged += 1
    assert judged > PAIRS / 2


@pytest.mark.parametrize("text", ["", "1-", "-1", "a:1", "1:", "x1", "1 2", "1_2", ":1", "1:2:3-a:b", "1" * 600])
def test_no_version_of_debian(text: str) -> None:
    assert parse_deb(text) is None


@pytest.mark.thorough
@pytest.mark.engine
def test_alpine_as_apk_orders() -> None:
    need_engine()
    rng = random.Random(11)
    pairs: list[tuple[str, str]] = []
    while len(pairs) < PAIRS:
        one = _apk(rng)
        other = _variant(rng, one, _apk)
        if parse_apk(one) and parse_apk(other):
            pairs.append((one, other))
    script = "while read -r a b; do apk version -t $a $b; done"
    done = subprocess.run(
        ["docker", "run", "--rm", "-i", "--network", "none", "alpine:3.20", "sh", "-c", script],
        input="".join(f"{one} {other}\n" for one, other in pairs),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    said = done.stdout.split()
    assert len(said) == len(pairs)
    for (one, other), relation in zip(pairs, said, strict=True):
        left, right = parse_apk(one), parse_apk(other)
        assert left is not None
        assert right is not None
        assert relation == ("<" if left < right else ">" if left > right else "="), (one, other)


@pytest.mark.parametrize("text", ["", "r1", "1..2", "1_gamma", "1-1", "v1", "1a2b3c-x", "1_p-", "١", "1" * 600])
def test_no_version_of_alpine(text: str) -> None:
    assert parse_apk(text) is None


def _deb(rng: random.Random) -> str:
    parts = [".", "~", "+", "1", "2", "0", "a", "b", "rc", "-", "10", ".0", "deb", "Z"]
    middle = "".join(rng.choice(parts) for _ in range(rng.randrange(7)))
    return (
        rng.choice(["", "", "1:", "0:"])
        + rng.choice("0123")
        + middle
        + rng.choice(["", "-1", "-2+deb12u1", "-1~bpo12"])
    )


def _apk(rng: random.Random) -> str:
    text = rng.choice(["1", "0", "2", "10", "01"])
    text += "".join("." + rng.choice(["0", "1", "2", "00", "01", "010", "10", "100"]) for _ in range(rng.randrange(4)))
    text += rng.choice(["", "", "", "a", "b2", "z1.0"])
    for _ in range(rng.choice([0, 0, 1, 2])):
        text += (
            "_"
            + rng.choice(["alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p"])
            + rng.choice(["", "0", "1", "20240101"])
        )
    return text + rng.choice(["", "-r0", "-r1", "-r10"])


def _variant(rng: random.Random, text: str, make: Callable[[random.Random], str]) -> str:
    """Another one, or one that begins alike: versions that differ late are where orders go wrong."""
    other = make(rng)
    if rng.random() < 0.4:
        return other
    kept = text[: rng.randrange(1, len(text) + 1)]
    return kept + (re.sub(r"^\d+:", "", other)[: rng.randrange(5)])


def test_an_entry_of_thousands_of_fixes_is_judged_in_a_moment() -> None:
    """Each fix held against all ranges took a minute of 4,000."""
    minors = range(4_000)
    pairs = ((Event(introduced=f"1.{minor}.0"), Event(fixed=f"1.{minor}.5")) for minor in minors)
    parts = [Affected(ranges=(Range(type="SEMVER", events=tuple(itertools.chain.from_iterable(pairs))),))]
    start = time.process_time()
    found = fixes("1.0.1", parts, parse_semver, kinds=("SEMVER",))
    assert time.process_time() - start < 5.0
    assert (len(found), found[:2]) == (100, ("1.0.5", "1.1.5"))
