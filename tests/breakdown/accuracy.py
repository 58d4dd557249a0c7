"""How much of a program's data goes to the right package: measured against symbols.

`python -m tests.breakdown.accuracy` prints the table of docs/breakdown.md.
"""

import bisect
import dataclasses
import re

from imgaudit import binaries
from imgaudit.binaries.elf import Elf
from imgaudit.binaries.pclntab_extent import Pclntab
from imgaudit.breakdown.assemble import Layout, lay_out
from imgaudit.breakdown.ledger import Ledger
from imgaudit.breakdown.names import Packages
from imgaudit.breakdown.program import Program
from tests.breakdown.programs import PIE, SERVICE, TOOLCHAINS, Build, package_of, symbols


def layout_of(data: bytes) -> Layout:
    """A file taken apart by its own build info's version."""
    elf = Elf(memoryview(data))
    table = Pclntab(elf).extent
    assert table is not None
    version = re.match(r"go1\.(\d+)", binaries.analyse(elf.data).go.version or "")
    program, packages = Program(elf), Packages()
    return lay_out(program, packages, Ledger(program, packages), table, int(version[1]) if version else None)


def data_accuracy(what: Build) -> tuple[int, int]:
    """Bytes of .data and .noptrdata whose symbols carry a package's name: all, and those that go to it."""
    layout = layout_of(what.read())
    names = layout.packages.names
    starts = [piece[0] for piece in layout.pieces]
    spans = (layout.md.noptrdata, layout.md.data)
    counted = right = 0
    for symbol in symbols(what):
        package = package_of(symbol.name)
        end = symbol.address + symbol.size
        if not package or not any(start <= symbol.address and end <= stop for start, stop in spans):
            continue
        place = max(bisect.bisect_right(starts, symbol.address) - 1, 0)
        counted += symbol.size
        while place < len(layout.pieces) and starts[place] < end:
            start, stop, owner, kind = layout.pieces[place]
            if kind != "embed" and names[owner] == package:
                right += max(min(stop, end) - max(start, symbol.address), 0)
            place += 1
    return counted, right


def main() -> None:
    print("| Go | bytes (amd64) | amd64 | arm64 | amd64, position-independent |\n|-|-|-|-|-|")
    for toolchain in TOOLCHAINS:
        plain = Build(SERVICE, toolchain=toolchain)
        builds = (plain, dataclasses.replace(plain, arch="arm64"), plain.with_flags(PIE))
        found = [data_accuracy(build) for build in builds]
        shares = " | ".join(f"{100 * right / counted:.1f} %" for counted, right in found)
        print(f"| {toolchain.removeprefix('go')} | {found[0][0]:,} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
