"""Whatever stands in a baseline: causes and what they leave are the difference, and the lists stay short."""

import random
import time
import typing
from collections.abc import Callable

import pytest

from imgaudit import model
from imgaudit.causes import explain
from imgaudit.causes.program import program_causes
from imgaudit.model.comparison import CauseKind

T = typing.TypeVar("T")
KINDS = typing.get_args(CauseKind)
WORDS = (
    *("", "a", "/app", "/b/c.js", "x" * 5_000, "\ud800", "\0", "RUN x # buildkit", "|1 a=b /bin/sh -c x", "go1.26"),
    *("(devel)", "v1", "v1 => ./lib", " => ", "std", "main", "runtime", "internal/abi"),
    *(".go.buildinfo", ".symtab", ".debug_info", "packed by UPX", "headers and padding"),
)
PATHS = ("/app", "/b", "/c")


class Hostile:
    """Snapshots whose numbers contradict each other."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def snapshot(self) -> model.Snapshot:
        pick, word, size = self._chance.choice, self._word, self._size
        return model.Snapshot(
            label=word(),
            platform="linux/amd64",
            base=pick(["alpine", "scratch", "unknown"]),
            base_version=self._perhaps(word),
            size=model.Sizes(
                download=self._perhaps(size),
                download_estimated=pick([True, False]),
                unpacked=self._perhaps(size),
                content=None,
                rootfs=self._perhaps(size),
                dead=None,
                duplicate=None,
                engine=None,
            ),
            layers=self._several(6, self._layer),
            packages=self._several(
                6,
                lambda: model.SnapshotPackage(type=word(), name=word(), version=word(), size=self._perhaps(size)),
            ),
            floor=pick([0, 1 << 16, size()]),
            files=self._several(
                8,
                lambda: model.InventoryFile(
                    path=pick([*PATHS, word()]),
                    size=size(),
                    layer=pick([-1, 0, 1, 2, 3, 99, 1 << 62]),
                    copy_of=self._perhaps(word),
                ),
            ),
            programs=self._several(3, self._program),
        )

    def _layer(self) -> model.SnapshotLayer:
        return model.SnapshotLayer(
            diff_id=self._chance.choice("abcdefg"),
            created_by=self._perhaps(self._word),
            from_base=self._chance.choice([None, True, False]),
            download=self._perhaps(self._size),
            unpacked=self._perhaps(self._size),
            content=self._perhaps(self._size),
            dead=self._perhaps(self._size),
            small=self._size(),
            small_files=self._size(),
        )

    def _program(self) -> model.SnapshotProgram:
        pick, word, size = self._chance.choice, self._word, self._size
        settings: dict[str, str] = pick([{}, {"-race": "true"}, {"-gcflags": "-N"}, {"-tags": word()}])
        return model.SnapshotProgram(
            path=pick(PATHS),
            role=pick(["service", "init", "other"]),
            size=size(),
            machine=self._perhaps(word),
            version=self._perhaps(word),
            main=self._perhaps(word),
            revision=self._perhaps(word),
            settings=settings,
            cgo=pick([None, True, False]),
            pie=pick([None, True, False]),
            linkage=pick([None, "static", "dynamic", "static-pie"]),
            upx=self._perhaps(word),
            modules={word(): self._perhaps(word) for _ in range(4)},
            accounted=pick([True, True, False]),
            packages=self._several(6, lambda: model.GoPackage(name=word(), module=self._perhaps(word), total=size())),
            embeds=self._several(3, lambda: model.Embed(package=word(), path=word(), size=size())),
            sections=self._several(4, lambda: model.Remainder(section=word(), size=pick([-1, 1]) * size())),
            unattributed=pick([-1, 1]) * size(),
        )

    def _word(self) -> str:
        return self._chance.choice(WORDS)

    def _size(self) -> int:
        return self._chance.choice([0, 1, 7, 1 << 16, 1 << 16, 10**6, 10**6, self._chance.randint(0, 10**9), 1 << 62])

    def _perhaps(self, make: Callable[[], T]) -> T | None:
        return make() if self._chance.random() < 0.7 else None

    def _several(self, most: int, make: Callable[[], T]) -> tuple[T, ...]:
        return tuple(make() for _ in range(self._chance.randint(0, most)))


@pytest.mark.parametrize("seed", range(20))
def test_causes_and_what_they_leave_are_the_difference(seed: int) -> None:
    make = Hostile(seed)
    for _ in range(50):
        old, new = make.snapshot(), make.snapshot()
        for change in explain(old, new):
            assert sum(cause.bytes for cause in change.causes) + change.unexplained == change.delta
            assert len(change.causes) <= 40 + len(KINDS)
            for cause in change.causes:
                assert cause.bytes
                assert cause.cause in KINDS
                assert len(cause.detail) <= 300
        for change in explain(old, old):
            assert (change.delta, change.causes, change.unexplained) == (0, (), 0)


def test_a_version_of_a_megabyte_in_a_module_of_many_packages() -> None:
    """It is not written out for each of them."""
    programs = [
        model.SnapshotProgram(
            path="/app", role="service", size=10_000, machine=None, version=None, main=None, revision=None,
            settings={}, cgo=None, pie=None, linkage=None, upx=None, accounted=True,
            modules={"example.com/m": letter * 1_000_000},
            packages=tuple(
                model.GoPackage(name=f"p{n}", module="example.com/m", total=size) for n in range(10_000)
            ),
        )
        for letter, size in (("a", 1), ("b", 2))
    ]  # fmt: skip
    start = time.process_time()
    (cause,) = program_causes(*programs)
    assert (cause.cause, cause.bytes) == ("module-bumped", 10_000)
    assert time.process_time() - start < 2
