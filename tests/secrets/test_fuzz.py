"""Whatever stands in a file, the search answers, and a hit has a line of that file."""

import os
import random

from hypothesis import given
from hypothesis import strategies as st

from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.secrets.collect import SecretCollector
from imgaudit.secrets.interface import Search
from tests.secrets.planted import NOT_TOKENS, TOKENS
from tests.secrets.test_files import HOLDS

MUTANTS = int(os.environ.get("IMGAUDIT_FUZZ", "2000"))
PATHS = [row[0] for row in HOLDS] + ["/a.go", "/a.yaml", "/a.json", "/k"]
SEEDS: list[bytes] = [
    *(text.encode() for texts in (*TOKENS.values(), *NOT_TOKENS.values()) for text in texts),
    *(row[1].encode() if isinstance(row[1], str) else row[1] for row in HOLDS),
]
PIECES = [
    b"-----",
    b"BEGIN",
    b"PRIVATE KEY",
    b"=",
    b'"',
    b"\n",
    b"\\n",
    b"\0",
    b"\xff",
    b"://",
    b"password",
    b"_",
    b":",
]


def search(path: str, data: bytes) -> None:
    collector = SecretCollector(Search(contents=True), DEFAULT_LIMITS)
    if collector.wants(path, len(data), data[:64]):
        collector.collect(path, memoryview(data))
    for hit in collector.contents.hits:
        assert hit.line is not None
        assert 1 <= hit.line <= data.count(b"\n") + data.count(b"\r") + 1


def mutant(dice: random.Random) -> bytes:
    data = bytearray(dice.choice(SEEDS))
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(data) + 1)
        kind = dice.randrange(4)
        if kind == 0:
            data[at:at] = dice.choice(PIECES)
        elif kind == 1:
            del data[at : at + dice.randrange(1, 40)]
        elif kind == 2:
            data[at:at] = dice.choice(SEEDS)
        elif data:
            data[at % len(data)] = dice.randrange(256)
    return bytes(data)


def test_changed_secrets_never_raise() -> None:
    dice = random.Random(7)
    for _ in range(MUTANTS):
        search(dice.choice(PATHS), mutant(dice))


@given(st.sampled_from(PATHS), st.binary(max_size=300))
def test_any_bytes_are_answered(path: str, data: bytes) -> None:
    search(path, data)
