"""How far predictions are off: programs built or packed that other way, and compressed by Go's own gzip.

`python -m tests.predictions.accuracy` prints the table of docs/predictions.md.
"""

from collections.abc import Iterator
from pathlib import Path

from tests.breakdown.programs import SERVICE
from tests.predictions.variants import (
    STRIPPED,
    WITH_FILES,
    WITH_ZONES,
    WITHOUT_FILES,
    WITHOUT_ZONES,
    download,
    predicted,
)
from tests.support.gobuild import CGO, HELLO, build
from tests.support.upx import pack

STRIP, TRIM, DROP = '-ldflags="-s -w"', "-trimpath", "ship them as files, or not at all, instead of go:embed"
ZONES = "don't import time/tzdata"
TOOLCHAINS = ("go1.16.15", "go1.20.14", None)
ARCHES = ("amd64", "arm64")
PACKED = ("--lzma", "--best", "-1")


def off(path: Path, real: Path, method: str) -> tuple[float, float]:
    """How far the predicted file and download are off, as shares of the real ones of that other build."""
    saves = predicted(path)[method].saves
    assert saves.file is not None
    assert saves.download is not None
    file, compressed = path.stat().st_size - saves.file, download(path) - saves.download
    return file / real.stat().st_size - 1, compressed / download(real) - 1


def pairs() -> Iterator[tuple[str, Path, Path]]:
    """A method, a program, and the same one with it."""
    for toolchain in TOOLCHAINS:
        for arch in ARCHES:
            for program in (HELLO, SERVICE):
                full = build(program, "-trimpath", arch=arch, toolchain=toolchain)
                plain = build(program, "-trimpath", STRIPPED, arch=arch, toolchain=toolchain)
                yield STRIP, full, plain
                if toolchain != "go1.16.15":  # its build info does not say whether it was built with -trimpath
                    yield TRIM, build(program, STRIPPED, arch=arch, toolchain=toolchain), plain
                for flag in PACKED:
                    for path in (full, plain) if program is HELLO else (plain,):  # packing takes its time
                        yield f"upx {flag}", path, pack(path, flag)
            for method, before, after in ((DROP, WITH_FILES, WITHOUT_FILES), (ZONES, WITH_ZONES, WITHOUT_ZONES)):
                with_it, without = (
                    build(program, STRIPPED, arch=arch, toolchain=toolchain) for program in (before, after)
                )
                yield method, with_it, without
    external = "-linkmode external"
    yield STRIP, build(CGO, f"-ldflags={external}", cgo=True), build(CGO, f"-ldflags={external} -s -w", cgo=True)


if __name__ == "__main__":
    found: dict[str, list[tuple[float, float]]] = {}
    for method, path, real in pairs():
        found.setdefault(method, []).append(off(path, real, method))
    for method, errors in found.items():
        worst = (max(map(abs, column)) for column in zip(*errors, strict=True))
        print(f"| {method} | {len(errors)} | {' | '.join(f'{100 * each:.2f} %' for each in worst)} |", flush=True)
