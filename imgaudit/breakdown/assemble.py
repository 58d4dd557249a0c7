"""The way through: a program's tables -> pieces of it -> its account."""

import bisect

from imgaudit.binaries.elf import Elf
from imgaudit.binaries.pclntab_extent import Extent
from imgaudit.breakdown.embeds import EmbeddedTree, find_embeds, pointers_to
from imgaudit.breakdown.functions import read_functions
from imgaudit.breakdown.ledger import Ledger
from imgaudit.breakdown.moduledata import ModuleData, find_module_data
from imgaudit.breakdown.modules import Modules
from imgaudit.breakdown.names import Packages
from imgaudit.breakdown.pieces import Piece, Span, disjoint, gaps, give_out
from imgaudit.breakdown.pointers import follow_pointers
from imgaudit.breakdown.program import Program
from imgaudit.breakdown.references import code_references
from imgaudit.breakdown.tables import blob_pieces, code_sums, inlined_sums, table_sums
from imgaudit.breakdown.types import Types, read_types
from imgaudit.model import GoInfo, SizeBreakdown

MASK = 4096  # bytes of a GC mask that is believed


def take_apart(elf: Elf, table: Extent, minor: int | None, go: GoInfo) -> SizeBreakdown:
    """table: where the pclntab is. minor: of Go 1.N, None for unknown. Errors as `break_down`, and those of Python for
    values that don't fit each other."""
    program, packages = Program(elf), Packages()
    md = find_module_data(program, table.start, minor)
    functions = read_functions(program, md, packages)
    ledger = Ledger(program, packages)
    ledger.add("code", code_sums(functions), md.covered[0])
    ledger.add("pclntab", table_sums(program, md, functions, packages), md.header)
    ledger.add_inlined(inlined_sums(program, md, functions, packages))

    read_only = _read_only(md, ledger)
    spans = [*read_only, md.noptrdata, md.data]
    wanted = (min(start for start, _ in spans), max(end for _, end in spans))
    owners = code_references(program, md.text, wanted, functions.starts, functions.packages)
    types = read_types(program, md, packages, sorted(owners))
    trees = find_embeds(program, read_only)
    claimed = [Piece(*piece, "types") for piece in types.pieces]
    claimed += _masks(types)
    claimed += blob_pieces(md, functions, _end_of_blobs(md, types), sorted(owners))
    claimed += [Piece(f.address, f.address + f.size, 0, "embed") for t in trees for f in t.files if f.size]
    claimed.append(_lookup(md))
    claimed.append(_counted(md, table))
    taken = disjoint(claimed)

    free = {span: gaps(span, taken) for span in dict.fromkeys(spans)}
    # .noptrdata holds no pointers, only numbers that look like some.
    places = [gap for span, found in free.items() if span != md.noptrdata for gap in found]
    follow_pointers(program, places, owners, wanted)
    pieces = sorted(taken + give_out([gap for found in free.values() for gap in found], owners))
    ledger.add_pieces(pieces)
    ledger.add_relocations(pieces)
    _embeds(program, md, trees, taken, owners, ledger)
    return ledger.result(Modules(go))


def _read_only(md: ModuleData, ledger: Ledger) -> list[Span]:
    """Where types, strings and constants are."""
    found = [ledger.span_of(address) for address in (md.rodata, md.types[0], md.gofunc) if address is not None]
    return list(dict.fromkeys(span for span in found if span is not None))


def _lookup(md: ModuleData) -> Piece:
    """findfunctab: a bucket of 20 bytes for each 4 KiB of code (runtime/symtab.go, findfuncbucket)."""
    size = md.covered[1] - md.covered[0]
    return Piece(md.lookup, md.lookup + 4 * -(-size // 4096) + -(-size // 256), 0, "lookup")


def _counted(md: ModuleData, table: Extent) -> Piece:
    """The pclntab up to the functions' data and findfunctab, which stand in it since Go 1.26: counted by its tables."""
    end = md.header + table.end - table.start
    behind = [address for address in (md.gofunc, md.lookup) if address is not None and md.header < address < end]
    return Piece(md.header, min(behind, default=end), 0, "taken")


def _end_of_blobs(md: ModuleData, types: Types) -> int | None:
    """Functions' data ends where findfunctab starts since Go 1.26, before that where GC masks do."""
    if md.minor >= 26:
        return md.lookup
    start = md.gofunc or 0
    return next((address for address, _ in types.masks if address > start), None)


def _masks(types: Types) -> list[Piece]:
    """GC masks, each up to the next one; the last one's end nothing tells."""
    return [
        Piece(address, end, package, "types")
        for (address, package), (end, _) in zip(types.masks, types.masks[1:], strict=False)
        if end - address <= MASK
    ]


def _embeds(
    program: Program,
    md: ModuleData,
    trees: list[EmbeddedTree],
    taken: list[Piece],
    owners: dict[int, int],
    ledger: Ledger,
) -> None:
    """An embedded file belongs to the package whose variable points to its tree."""
    sizes: dict[int, int] = {}
    for piece in taken:
        if piece.kind == "embed":
            sizes[piece.start] = piece.end - piece.start
    targets = sorted(owners)
    for tree in trees:
        sites = pointers_to(program, tree.address, (md.data, md.noptrdata))
        found = [bisect.bisect_right(targets, site) - 1 for site in sites]
        owner = next((owners[targets[place]] for place in found if place >= 0), owners.get(tree.address, 0))
        ledger.add_embed(owner, tree, sizes)
