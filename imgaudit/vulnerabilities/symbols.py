"""The functions that a Go program holds, named as vulnerability data names them: `Func`, `Type.Method`, by package.

The table of names that every Go program keeps for its stack traces lists each function that has code of its own, and
each one whose code was inlined into others; stripping leaves it. Source: cmd/link/internal/ld/pcln.go
(generateFuncnametab) and cmd/compile/internal/ir (closure names) of Go 1.16 to 1.27.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from imgaudit.binaries.elf import Elf
from imgaudit.binaries.pclntab_extent import Pclntab
from imgaudit.binaries.upx_whole import unpack_whole
from imgaudit.breakdown.names import path_of, unescape
from imgaudit.errors import BinaryError
from imgaudit.limits import DEFAULT_LIMITS, Limits

Symbols = Mapping[str, frozenset[str]]
"""Functions and methods by package; the program's own package is `main`."""

MAX_TABLE = 64 << 20  # bytes; of a program of 95 MB it has 7
MAX_NAMES = 1_000_000  # that program has 100,000
LONGEST = 1 << 16  # characters of one name, type arguments and all

# What the compiler adds for closures, go and defer statements, method values and bodies of range-over-func loops.
_ADDED = re.compile(r"\.(?:func|gowrap|deferwrap)\d|\.\d+(?:\.|$)|-fm$|-range\d|·")
_BRACKET = re.compile(r"([\[\]])")


def read_symbols(data: memoryview, *, packed: bool, limits: Limits = DEFAULT_LIMITS) -> Symbols:
    """What the bytes of a Go program, packed by UPX or not, name. BinaryError, with the reason, where they don't."""
    found = group(read_names(data, packed=packed, limits=limits))
    if "runtime" not in found:
        raise BinaryError("the names of its functions are not those of a Go program")
    return found


def read_names(data: memoryview, *, packed: bool, limits: Limits = DEFAULT_LIMITS) -> Iterator[str]:
    """The names as the linker wrote them. BinaryError as `read_symbols`, before the first one."""
    elf = Elf(unpack_whole(data, limits) if packed else data)
    extent = Pclntab(elf).extent
    if extent is None:
        raise BinaryError("its table of functions is missing, or obfuscated as garble does it")
    size = extent.names_end - extent.names_start
    if size <= 0 or extent.names_end > elf.size:
        raise BinaryError("the names of its functions were not found")
    if size > MAX_TABLE:
        raise BinaryError(f"the names of its functions take {size} bytes; up to {MAX_TABLE} are read")
    table = bytes(elf.data[extent.names_start : extent.names_end])
    if table.count(0) > MAX_NAMES:
        raise BinaryError(f"it names more than {MAX_NAMES} functions")
    return (name.decode("utf-8", "replace") for name in table.split(b"\0") if name and len(name) <= LONGEST)


def group(names: Iterable[str]) -> Symbols:
    """Linker names -> functions by package; what belongs to no package is left out."""
    found: dict[str, set[str]] = {}
    paths: dict[str, str] = {}
    for name in names:
        path, symbol = _split(name)
        if path and symbol:
            if path not in paths:
                paths[path] = unescape(path)
            found.setdefault(paths[path], set()).add(symbol)
    return {package: frozenset(symbols) for package, symbols in found.items()}


def canonical(name: str) -> tuple[str, str]:
    """`net/http.(*Server).Serve.func1` -> ("net/http", "Server.Serve"); two empty texts for what is no package's."""
    path, symbol = _split(name)
    return (unescape(path), symbol) if path and symbol else ("", "")


def _split(name: str) -> tuple[str, str]:
    """Package, still escaped, and symbol."""
    path = path_of(name)
    if not path or not name.startswith(path + "."):  # the linker's own functions, which compare types
        return "", ""
    rest = name[len(path) + 1 :]
    if "[" in rest:
        rest = _without_arguments(rest)
    receiver = ""
    if rest.startswith("(*"):
        receiver, _, rest = rest[2:].partition(").")
    added = _ADDED.search(rest)
    if added:
        rest = rest[: added.start()]
    if "/" in rest:  # an embedded type's method with its package's path: (*onePassInst).regexp/syntax.op
        rest = rest.rpartition("/")[2].partition(".")[2]
    return path, f"{receiver}.{rest}" if receiver else rest.rstrip(".")


def _without_arguments(text: str) -> str:
    """Without type arguments, however deep their own are."""
    depth, out = 0, []
    for part in _BRACKET.split(text):
        if part == "[":
            depth += 1
        elif part == "]":
            depth -= 1
        elif depth <= 0:
            out.append(part)
    return "".join(out)
