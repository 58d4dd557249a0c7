"""Who may do what in a built image, against find and awk in its own container: path by path and name by name, on a
distribution as it comes and on one with planted faults."""

import re
from collections.abc import Iterator

import pytest

import imgaudit
from imgaudit.model import Image
from tests.support.docker import images, start
from tests.support.tools import need_registry

pytestmark = [pytest.mark.engine, pytest.mark.thorough]

PLANTED = """\
FROM debian:bookworm-slim
RUN cp /bin/true /both && chmod 6755 /both && ln /both /second && ln -s /both /link && \\
    cp /bin/true /gone && chmod 4755 /gone && mkdir -p /open/sticky /open/group && chmod 777 /open && \\
    chmod 1777 /open/sticky && chmod 2770 /open/group && touch /open/file /open/closed && chmod 666 /open/file && \\
    chmod u+s /usr/bin/chage && useradd -u 1001 one && useradd -o -u 1001 two && passwd -d one && \\
    groupadd -o -g 1001 three && echo 'open::1002:1002::/:/bin/sh' >> /etc/passwd && echo 'short' >> /etc/passwd
RUN rm /gone && chmod u-s /bin/su && chmod o-w /open/file && chmod o+w /open/closed
"""


class Seen:
    """An image as imgaudit sees it, and as its own tools do."""

    def __init__(self, tag: str, *, planted: bool) -> None:
        self.tag = tag
        self.planted = planted
        self.image: Image = imgaudit.inspect(f"docker:{tag}")

    def paths(self, *ids: str) -> list[str]:
        return sorted(found.path or "" for found in self.image.findings if found.id in ids)

    def messages(self, id_: str) -> set[str]:
        return {found.message for found in self.image.findings if found.id == id_}

    def inside(self, script: str) -> list[str]:
        done = start(self.tag, "-c", script, entrypoint="/bin/sh", user="0")
        assert done.code == 0, done
        return sorted(done.out.splitlines())


@pytest.fixture(scope="module")
def plain() -> Iterator[Seen]:
    need_registry()
    with images() as made:
        yield Seen(made.build("rights-plain", "FROM debian:bookworm-slim\n"), planted=False)


@pytest.fixture(scope="module")
def planted() -> Iterator[Seen]:
    need_registry()
    with images() as made:
        yield Seen(made.build("rights", PLANTED), planted=True)


@pytest.fixture(params=["plain", "planted"])
def seen(request: pytest.FixtureRequest) -> Seen:
    found: Seen = request.getfixturevalue(request.param)
    return found


def test_setuid_and_setgid_files_are_those_that_find_finds(seen: Seen) -> None:
    found = seen.inside(r"find / -xdev -type f -perm /6000")
    assert len(found) > 9
    assert seen.paths("IA302", "IA303") == found


def test_the_bases_are_told_apart(plain: Seen, planted: Seen) -> None:
    assert plain.paths("IA302") == []
    assert planted.paths("IA302") == ["/both", "/second", "/usr/bin/chage"]
    kept = set(plain.paths("IA303")) - {"/usr/bin/su", "/usr/bin/chage"}  # one lost its bit, one is another file now
    assert set(planted.paths("IA303")) == kept


def test_what_everybody_may_write_to(seen: Seen) -> None:
    found = seen.inside(r"find / -xdev \( -type f -o -type d ! -perm -1000 \) -perm -0002")
    assert seen.paths("IA304") == found
    assert found == (["/open", "/open/closed"] if seen.planted else [])


def test_empty_passwords_and_numbers_given_twice(seen: Seen) -> None:
    empty = seen.inside("awk -F: 'NF > 1 && $2 == \"\" { print $1 }' /etc/passwd /etc/shadow | sort -u")
    assert seen.messages("IA306") == {f"The account {name} has an empty password." for name in empty}
    twice = {
        what: seen.inside(f"cut -s -d: -f3 /etc/{file} | sort | uniq -d")
        for what, file in (("users", "passwd"), ("groups", "group"))
    }
    told = {what: sorted(_numbers(seen.messages("IA307"), what)) for what in twice}
    assert told == twice
    if seen.planted:
        assert empty == ["one", "open"]
        assert twice == {"users": ["1001"], "groups": ["1001"]}


def _numbers(messages: set[str], what: str) -> Iterator[str]:
    for message in messages:
        match = re.fullmatch(rf"The {what} .* all have the number (\d+)\.", message)
        if match:
            yield match[1]
