"""An Image -> the Snapshot that comparisons and baselines are made of. Sees only the model."""

import msgspec

from imgaudit.difference import sections_of
from imgaudit.model import (
    Binary,
    GoModule,
    GoPackage,
    Image,
    Inventory,
    Remainder,
    Snapshot,
    SnapshotLayer,
    SnapshotPackage,
    SnapshotProgram,
)

SETTINGS = (
    "-buildmode",
    "-race",
    "-cover",
    "-covermode",
    "-asan",
    "-msan",
    "-gcflags",
    "-asmflags",
    "-tags",
    "-pgo",
    "-trimpath",
    "CGO_ENABLED",
    "GOAMD64",
    "GOARM64",
    "GOEXPERIMENT",
    "GOFIPS140",
)
"""The build settings that change a program's bytes, and are known whether or not paths were trimmed."""


def take_snapshot(image: Image) -> Snapshot:
    """All that a comparison needs of an image. Without an inventory files are unknown, and so are causes below it."""
    inventory = image.inventory or Inventory(floor=0, files=(), small=())
    small = {row.layer: row for row in inventory.small}
    return Snapshot(
        label=image.label,
        platform=str(image.platform),
        base=image.base.family,
        base_version=image.base.version,
        size=msgspec.structs.replace(image.size, engine=None),
        layers=tuple(
            SnapshotLayer(
                diff_id=layer.diff_id,
                created_by=layer.created_by,
                from_base=layer.from_base,
                download=layer.download,
                unpacked=layer.unpacked,
                content=layer.content,
                dead=layer.dead,
                small=small[layer.index].size if layer.index in small else 0,
                small_files=small[layer.index].files if layer.index in small else 0,
            )
            for layer in image.layers
        ),
        packages=tuple(
            SnapshotPackage(type=package.type, name=package.name, version=package.version, size=package.size)
            for package in image.packages
        ),
        floor=inventory.floor,
        files=inventory.files,
        programs=tuple(
            msgspec.structs.replace(_program(binary), path=_file(binary, inventory))
            for binary in image.binaries
            if binary.go.present and (binary.role == "service" or binary.size_breakdown is not None)
        ),
    )


def _file(binary: Binary, inventory: Inventory) -> str:
    """The path that the inventory has: of a file with several names, what the image starts may be another one."""
    same = [file.path for file in inventory.files if (file.layer, file.size) == (binary.layer, binary.size)]
    return same[0] if same and binary.path not in same else binary.path


def _program(binary: Binary) -> SnapshotProgram:
    go, account = binary.go, binary.size_breakdown
    modules = {module.path: _version(module) for module in go.dependencies}
    if go.module is not None:
        modules[go.module.path] = go.module.version
    if account is not None:
        # Names of source files tell modules and versions where there is no build info.
        modules = {row.path: row.version for row in account.modules if row.path != "std"} | modules
    vcs = go.vcs
    program = SnapshotProgram(
        path=binary.path,
        role=binary.role,
        size=binary.size,
        machine=binary.machine,
        version=go.version,
        main=go.module.path if go.module is not None else None,
        revision=vcs.revision if vcs is not None and vcs.modified is False else None,
        settings={name: go.settings[name] for name in SETTINGS if name in go.settings},
        cgo=go.cgo,
        pie=binary.hardening.pie if binary.hardening is not None else None,
        linkage=binary.linkage,
        upx=(binary.upx.method or "unknown") if binary.upx.present else None,
        modules=dict(sorted(modules.items())),
        accounted=account is not None,
    )
    if account is None:
        return program
    return msgspec.structs.replace(
        program,
        packages=tuple(GoPackage(name=row.name, module=row.module, total=row.total) for row in account.packages),
        embeds=account.embeds,
        sections=tuple(Remainder(section=name, size=size) for name, size in sections_of(binary, account).items()),
        unattributed=account.unattributed,
    )


def _version(module: GoModule) -> str | None:
    other = module.replace
    if other is None:
        return module.version
    version = None if other.version == "(devel)" else other.version  # of a folder, which has none
    return " ".join(part for part in (module.version, "=>", other.path, version) if part)
