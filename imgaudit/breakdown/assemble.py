"""The way through: a program's tables -> pieces of it -> its account."""

import bisect
import dataclasses
from collections.abc import Iterable

from imgaudit.binaries.elf import Elf
from imgaudit.binaries.pclntab_extent import Extent
from imgaudit.breakdown.embeds import EmbeddedTree, find_embeds
from imgaudit.breakdown.functions import Functions, read_functions
from imgaudit.breakdown.ledger import Ledger
from imgaudit.breakdown.long_contents import long_contents
from imgaudit.breakdown.moduledata import ModuleData, find_module_data
from imgaudit.breakdown.modules import Modules
from imgaudit.breakdown.names import Packages
from imgaudit.breakdown.pieces import Piece, Span, disjoint, gaps, give_out
from imgaudit.breakdown.pointers import Pointers, follow_pointers
from imgaudit.breakdown.program import Program
from imgaudit.breakdown.references import code_references
from imgaudit.breakdown.tables import blob_pieces, code_sums, inlined_sums, record_pieces, table_sums
from imgaudit.breakdown.types import Types, read_types
from imgaudit.model import GoInfo, SizeBreakdown

ALIGNED = 4  # bytes: of variables this long or longer, none starts elsewhere (cmd/link/internal/ld, symalign)
MASK = 4096  # bytes of a GC mask that is believed: behind the last one of a row something else may follow


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """A program taken apart. pieces: of its memory, rising, without code and pclntab; trees: with their packages."""

    program: Program
    packages: Packages
    md: ModuleData
    functions: Functions
    pieces: list[Piece]
    trees: list[tuple[EmbeddedTree, int]]


def take_apart(elf: Elf, table: Extent, minor: int | None, go: GoInfo) -> SizeBreakdown:
    """table: where the pclntab is. minor: of Go 1.N, None for unknown. Errors as `break_down`, and those of Python for
    values that don't fit each other."""
    program, packages = Program(elf), Packages()
    ledger = Ledger(program, packages)
    layout = lay_out(program, packages, ledger, table, minor)
    md, functions = layout.md, layout.functions
    ledger.add("code", code_sums(functions), md.covered[0])
    ledger.add("pclntab", table_sums(program, md, functions), md.header)
    ledger.add_inlined(inlined_sums(program, md, functions))
    ledger.add_pieces(layout.pieces)
    ledger.add_relocations(layout.pieces)
    if md.minor < 18:
        ledger.add_relocations(record_pieces(md, functions))  # later ones hold offsets, no addresses
    content = 0
    for tree, owner in layout.trees:
        for file in tree.files:
            ledger.add_embed(owner, file.name, content)
            content += 1
    return ledger.result(Modules(go, _files(program, md), packages.names))


def lay_out(program: Program, packages: Packages, ledger: Ledger, table: Extent, minor: int | None) -> Layout:
    """Reads what the program's tables, code and data tell of its memory."""
    md = find_module_data(program, table.start, minor)
    functions = read_functions(program, md, packages)
    # Before Go 1.18 types may stand apart from what needs no relocation, as findfunctab does.
    read_only = _parts(ledger, md.rodata, md.types[0], md.gofunc, md.lookup if md.minor < 18 else None)
    spans = _united([*read_only, md.noptrdata, md.data])
    wanted = (spans[0][0], spans[-1][1])
    text = _united([*_parts(ledger, md.text[0]), md.text])[0]
    owners = code_references(program, text, wanted, functions.starts, functions.packages)
    _drop_false(owners, (md.noptrdata, md.data))
    targets = sorted(owners)
    types = read_types(program, md, packages, targets)
    pointers = Pointers()
    pointers.add(program, [md.data], wanted)
    whole = long_contents(program, pointers, targets, md.data, spans)
    for start, end in whole:
        for address in targets[bisect.bisect_right(targets, start) : bisect.bisect_left(targets, end)]:
            del owners[address]
    targets = sorted(owners)
    trees = find_embeds(program, read_only, pointers.targets)
    claimed: list[Piece] = [(start, end, package, "types") for start, end, package in types.pieces]
    claimed += _masks(types)
    claimed += blob_pieces(md, functions, _end_of_blobs(md, types), targets)
    files = [file for tree in trees for file in tree.files]
    claimed += [(file.address, file.address + file.size, n, "embed") for n, file in enumerate(files) if file.size]
    claimed += (_lookup(md), _counted(md, table))
    claimed.append((*program.relocation_span, 0, "taken"))  # each is given to the package of its place
    taken = disjoint(claimed)

    free = {span: gaps(span, taken) for span in spans}
    # .noptrdata holds no pointers, only numbers that look like some.
    places = [gap for span, found in free.items() if span not in (md.noptrdata, md.data) for gap in found]
    pointers.add(program, places, wanted)
    pointers.leave_out(whole)
    follow_pointers(pointers, owners, targets)
    pieces = sorted(taken + give_out([gap for found in free.values() for gap in found], owners, targets))
    return Layout(program, packages, md, functions, pieces, _owned(trees, pointers, owners, targets))


def _drop_false(owners: dict[int, int], variables: Iterable[Span]) -> None:
    """What looks like a reference into the middle of a variable would cut a large table in two."""
    for start, end in variables:
        for address in [address for address in owners if start <= address < end and address % ALIGNED]:
            del owners[address]


def _parts(ledger: Ledger, *addresses: int | None) -> list[Span]:
    """The parts of the file that these addresses are in."""
    found = [ledger.span_of(address) for address in addresses if address is not None]
    return _united(span for span in found if span is not None)


def _united(spans: Iterable[Span]) -> list[Span]:
    """Spans by rising address, those that overlap made one."""
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start < out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def _lookup(md: ModuleData) -> Piece:
    """findfunctab: a bucket of 20 bytes for each 4 KiB of code (runtime/symtab.go, findfuncbucket)."""
    size = md.covered[1] - md.covered[0]
    return md.lookup, md.lookup + 4 * -(-size // 4096) + -(-size // 256), 0, "lookup"


def _counted(md: ModuleData, table: Extent) -> Piece:
    """The pclntab up to the functions' data and findfunctab, which stand in it since Go 1.26: counted by its tables."""
    end = md.header + table.end - table.start
    behind = [address for address in (md.gofunc, md.lookup) if address is not None and md.header < address < end]
    return md.header, min(behind, default=end), 0, "taken"


def _end_of_blobs(md: ModuleData, types: Types) -> int | None:
    """Functions' data ends where findfunctab starts since Go 1.26, before that where GC masks do."""
    if md.minor >= 26:
        return md.lookup
    start = md.gofunc or 0
    return next((address for address, _ in types.masks if address > start), None)


def _masks(types: Types) -> list[Piece]:
    """GC masks, each up to the next one; the last one's end nothing tells."""
    return [
        (address, end, package, "types")
        for (address, package), (end, _) in zip(types.masks, types.masks[1:], strict=False)
        if end - address <= MASK
    ]


def _owned(
    trees: list[EmbeddedTree], pointers: Pointers, owners: dict[int, int], targets: list[int]
) -> list[tuple[EmbeddedTree, int]]:
    """An embedded tree belongs to the package whose variable points to it."""
    if not trees:
        return []
    sites: dict[int, int] = {}
    wanted = {tree.address for tree in trees}
    for site, target in zip(pointers.sites, pointers.targets, strict=True):
        if target in wanted:
            sites[target] = min(site, sites.get(target, site))
    found = []
    for tree in trees:
        place = bisect.bisect_right(targets, sites.get(tree.address, -1)) - 1
        found.append((tree, owners[targets[place]] if place >= 0 else owners.get(tree.address, 0)))
    return found


def _files(program: Program, md: ModuleData) -> Iterable[str]:
    """Names of all source files."""
    raw = bytes(program.span(md.file_names, md.pc_tables, "its file names"))
    return (name.decode("utf-8", "replace") for name in raw.split(b"\0"))
