"""Accounts of Go programs made by hand, for the tests of formats: a large one, its successor, and broken ones."""

import msgspec

from imgaudit import difference, model
from tests.support import reports

STANDARD = ("runtime", "net/http", "crypto/tls", "net", "reflect", "encoding/json", "fmt", "time", "slices", "io")


def _package(name: str, module: str | None, total: int) -> model.PackageSize:
    code, pclntab, types = total // 2, total * 3 // 10, total // 10
    return model.PackageSize(
        name=name,
        module=module,
        code=code,
        inlined=total // 50,
        pclntab=pclntab,
        types=types,
        data=total - code - pclntab - types,
        total=total,
    )


def account(packages: int = 120, *, seed: int = 0, symbols: bool = False) -> model.SizeBreakdown:
    """An exact partition: the standard library, the program, six modules and one that nothing tells, embedded files."""
    rows = [_package(name, "std", 1_200_000 // (n + 1) + seed) for n, name in enumerate(STANDARD)]
    rows += [_package(f"example.org/shop/part{n}", "example.org/shop", 90_000 - 9_000 * n) for n in range(6)]
    for n in range(packages - len(rows) - 2):
        module = f"example.org/dep{n % 6:02}"
        rows.append(_package(f"{module}/v2/internal/p{n:04}", module, 2_000 + 400_000 // (n + 1) + seed % 7))
    rows += [_package(f"example.net/odd/p{n}", None, 60_000 - n) for n in range(2)]
    sums: dict[str, int] = {}
    for row in rows:
        if row.module is not None:
            sums[row.module] = sums.get(row.module, 0) + row.total
    embeds = tuple(
        model.Embed(package=f"example.org/shop/part{n % 2}", path=f"web/file{n:02}.js", size=30_000 - 1_000 * n)
        for n in range(18)
    )
    remainder = [model.Remainder(section=".rodata", size=42_500), model.Remainder(section="headers", size=11_400)]
    if symbols:
        remainder += [model.Remainder(section=".symtab", size=310_000), model.Remainder(section=".strtab", size=95_000)]
    unattributed = 691
    return model.SizeBreakdown(
        packages=tuple(rows),
        modules=tuple(
            model.ModuleSize(path=path, version="go1.26.8" if path == "std" else "v1.2.3", total=size)
            for path, size in sums.items()
        ),
        embeds=embeds,
        remainder=tuple(remainder),
        unattributed=unattributed,
        total=sum(row.total for row in rows) + sum(e.size for e in embeds) + sum(r.size for r in remainder) + 691,
    )


PREDICTIONS = (
    reports.UPX_PREDICTION,
    model.Prediction(
        what="pack with UPX",
        method="upx -1",
        saves=model.PredictedSaving(file=2_100_000, download=-240_000),
        basis="measured on this program's sections",
    ),
)


def program(breakdown: model.SizeBreakdown, path: str = "./server") -> model.Binary:
    return reports.binary(
        breakdown.total, path=path, layer=None, size_breakdown=breakdown, predictions=PREDICTIONS, sha256="0" * 64
    )


def report(*binaries: model.Binary) -> model.BinaryReport:
    """As `imgaudit binary` makes it: two are compared."""
    return model.BinaryReport(
        schema_version="1.0",
        tool=reports.TOOL,
        generated_at="2026-11-21T12:00:00Z",
        complete=True,
        binaries=binaries,
        failed=(),
        comparison=difference.compare_binaries(*binaries) if len(binaries) == 2 else None,
    )


def one() -> model.BinaryReport:
    return report(program(account()))


def two() -> model.BinaryReport:
    """The newer one has symbols and other packages; two packages and a file of the old one are gone."""
    newer = account(130, seed=3_000, symbols=True)
    kept = tuple(row for row in newer.packages if row.name not in ("slices", "example.org/shop/part5"))
    newer = _with(newer, packages=kept, embeds=newer.embeds[1:])
    return report(program(account(), "./server-old"), program(newer, "./server-new"))


def _with(breakdown: model.SizeBreakdown, **facts: object) -> model.SizeBreakdown:
    """breakdown with other parts, and the sums that they have."""
    changed = msgspec.structs.replace(breakdown, **facts)
    sums: dict[str, int] = {}
    for row in changed.packages:
        if row.module is not None:
            sums[row.module] = sums.get(row.module, 0) + row.total
    parts = [row.total for row in changed.packages] + [row.size for row in changed.embeds]
    parts += [row.size for row in changed.remainder]
    modules = tuple(msgspec.structs.replace(row, total=sums.get(row.path, 0)) for row in changed.modules)
    return msgspec.structs.replace(changed, modules=modules, total=sum(parts) + changed.unattributed)


def edited(size: int) -> model.BinaryReport:
    """Sizes as only an edited report has them, and sums that don't fit."""
    breakdown = model.SizeBreakdown(
        packages=(
            model.PackageSize(
                name="a", module="std", code=size, inlined=-size, pclntab=size, types=0, data=size, total=size
            ),
            model.PackageSize(name="a", module="m", code=0, inlined=0, pclntab=0, types=0, data=0, total=0),
            _package("b", None, 7),
        ),
        modules=(model.ModuleSize(path="gone", version=None, total=-size),),
        embeds=(model.Embed(package="p", path="", size=size), model.Embed(package="p", path="x", size=-1)),
        remainder=(model.Remainder(section="", size=-size),),
        unattributed=size,
        total=5,
    )
    delta = model.BinaryDelta(path="x", old=size, new=None, delta=size)
    nothing = model.BinaryDelta(path="y", old=None, new=None, delta=0)
    compared = model.BinaryComparison(
        old="./a", new="./b", delta=-size, packages=(delta, nothing), sections=(delta,), modules=(delta,), unexplained=1
    )
    whole = report(program(breakdown, "./a"), program(account(3), "./b"))
    return msgspec.structs.replace(whole, comparison=compared)


def hostile() -> model.BinaryReport:
    """Names that a program's own tables choose: packages, modules, embedded files, sections."""
    rows = tuple(_package(text, text, 90_000 - n) for n, text in enumerate(reports.NASTY))
    breakdown = model.SizeBreakdown(
        packages=rows,
        modules=tuple(model.ModuleSize(path=text, version=text, total=90_000) for text in reports.NASTY),
        embeds=tuple(model.Embed(package=text, path=text, size=9) for text in reports.NASTY),
        remainder=tuple(model.Remainder(section=text, size=9) for text in reports.NASTY),
        unattributed=0,
        total=sum(row.total for row in rows) + 18 * len(reports.NASTY),
    )
    return report(program(breakdown, "./old"), program(account(), "./new"))
