"""Reports made by hand, for the tests of formats: eight variants of one Go service, and what can go wrong.

Figures keep the model's promises: layers' content = rootfs + dead, the attribution adds up to rootfs, and
causes + unexplained = delta.
"""

import hashlib

import msgspec

from imgaudit import model

NO_HARDENING = model.Hardening(pie=False, relro="none", nx=True, canary=None, fortify=None)
SETTINGS = {"-ldflags": "-s -w", "-trimpath": "true", "CGO_ENABLED": "0", "GOARCH": "amd64", "GOOS": "linux"}
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def digest(seed: str) -> str:
    return "sha256:" + hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()


def go_info(dependencies: int = 24, *, cgo: bool = False) -> model.GoInfo:
    modules = (
        model.GoModule(path=f"example.org/dep{n:02}", version=f"v1.{n}.0", sum="h1:abc=") for n in range(dependencies)
    )
    return model.GoInfo(
        present=True,
        version="go1.26.8",
        path="example.org/shop/cmd/server",
        module=model.GoModule(path="example.org/shop", version="v0.9.2"),
        dependencies=tuple(modules),
        settings=SETTINGS | {"CGO_ENABLED": "1" if cgo else "0"},
        cgo=cgo,
        trimpath=True,
        vcs=model.Vcs(system="git", revision="3f2a9c1" + "0" * 33, time="2026-11-02T10:00:00Z", modified=False),
    )


def binary(size: int = 6_912_000, *, layer: int | None = 0, path: str = "/app/server", **facts: object) -> model.Binary:
    """The service's binary: static and stripped unless facts say otherwise."""
    values: dict[str, object] = {
        "path": path,
        "size": size,
        "sha256": hashlib.sha256(f"{path}{size}".encode("utf-8", "surrogatepass")).hexdigest(),
        "layer": layer,
        "role": "service",
        "machine": "amd64",
        "bits": 64,
        "endian": "little",
        "type": "exec",
        "linkage": "static",
        "interpreter": None,
        "interpreter_present": None,
        "needed": (),
        "missing": (),
        "glibc_required": None,
        "stripped": True,
        "symtab": False,
        "dwarf": False,
        "build_id": "4c9f",
        "hardening": NO_HARDENING,
        "upx": model.UpxInfo(present=False),
        "go": go_info(),
        "analysis": model.Analysis(status="complete"),
    }
    return model.Binary(**(values | facts))  # type: ignore[arg-type]


def breakdown(total: int) -> model.SizeBreakdown:
    """A partition of a binary of total bytes: three packages, two modules, an embed and a remainder."""
    rows = (("runtime", None, 0.2), ("net/http", None, 0.15), ("example.org/shop/cart", "example.org/shop", 0.3))
    packages = tuple(_package(name, module, int(total * part)) for name, module, part in rows)
    embeds = (model.Embed(package="example.org/shop/web", path="web/app.js", size=int(total * 0.05)),)
    remainder = (model.Remainder(section=".rodata", size=int(total * 0.1)),)
    known = sum(p.total for p in packages) + embeds[0].size + remainder[0].size
    return model.SizeBreakdown(
        packages=packages,
        modules=(
            model.ModuleSize(path="std", version="go1.26.8", total=packages[0].total + packages[1].total),
            model.ModuleSize(path="example.org/shop", version="v0.9.2", total=packages[2].total),
        ),
        embeds=embeds,
        remainder=remainder,
        unattributed=total - known,
        total=total,
    )


def _package(name: str, module: str | None, total: int) -> model.PackageSize:
    code = total // 2
    pclntab, types = total // 4, total // 8
    return model.PackageSize(
        name=name,
        module=module,
        code=code,
        inlined=code // 10,
        pclntab=pclntab,
        types=types,
        data=total - code - pclntab - types,
        total=total,
    )


def layer(index: int, seed: str, content: int, **facts: object) -> model.Layer:
    values: dict[str, object] = {
        "index": index,
        "diff_id": digest(seed),
        "digest": digest(seed + " compressed"),
        "media_type": "application/vnd.oci.image.layer.v1.tar+gzip",
        "download": int(content * 0.4) + 180,
        "download_estimated": False,
        "unpacked": content // 512 * 512 + 10240,
        "content": content,
        "files": max(1, content // 60_000),
        "dirs": 4,
        "created_by": "COPY /out/server /app/server # buildkit",
        "from_base": False,
        "dead": 0,
    }
    return model.Layer(**(values | facts))  # type: ignore[arg-type]


def runtime(**facts: object) -> model.Runtime:
    """An empty image's runtime, but for facts."""
    values: dict[str, object] = {
        "libc": None,
        "shell": None,
        "package_manager": None,
        "ca_certificates": model.CaCertificates(present=False),
        "tzdata": model.TimeZones(present=False),
        "passwd": False,
        "tmp": False,
        "init": None,
    }
    return model.Runtime(**(values | facts))  # type: ignore[arg-type]


FULL_RUNTIME = runtime(
    libc="glibc 2.36",
    shell="/bin/sh",
    package_manager="/usr/bin/apt-get",
    ca_certificates=model.CaCertificates(present=True, path=CERTIFICATES, count=142),
    tzdata=model.TimeZones(present=True, path="/usr/share/zoneinfo"),
    passwd=True,
    tmp=True,
)


def image(
    label: str,
    layers: tuple[model.Layer, ...],
    attribution: dict[str, int],
    *,
    dead: int = 0,
    deleted: int = 0,
    **facts: object,
) -> model.Image:
    """An image whose sums are those of its layers; attribution must add up to rootfs."""
    content = sum(item.content or 0 for item in layers)
    assert sum(attribution.values()) == content - dead, (label, sum(attribution.values()), content - dead)
    estimated = any(item.download_estimated for item in layers)
    values: dict[str, object] = {
        "label": label,
        "reference": f"registry.example.org/shop:{label}",
        "source": "registry",
        "image_id": digest(label),
        "manifest_digest": digest(label + " manifest"),
        "index_digest": None,
        "complete": True,
        "skipped": (),
        "platform": model.Platform(os="linux", architecture="amd64"),
        "config": config(),
        "size": model.Sizes(
            download=sum(item.download or 0 for item in layers) + 1_200,
            download_estimated=estimated,
            unpacked=sum(item.unpacked or 0 for item in layers),
            content=content,
            rootfs=content - dead,
            dead=model.DeadBytes(
                overwritten=dead - deleted, metadata_only=0, deleted=deleted, opaque_hidden=0, total=dead
            ),
            duplicate=0,
            engine=None,
        ),
        "layers": layers,
        "files": model.Files(),
        "base": model.Base(family="scratch", name=None, version=None, evidence="no operating system's files"),
        "packages": (),
        "runtime": runtime(),
        "attribution": tuple(
            model.Attribution(kind=kind, bytes=count, detail=f"what {kind} means")  # type: ignore[arg-type]
            for kind, count in attribution.items()
        ),
        "binaries": (binary(),),
        "fitness": model.Fitness(runs=True, program="/app/server", how="static, nothing needed"),
    }
    return model.Image(**(values | facts))  # type: ignore[arg-type]


def config(**facts: object) -> model.Config:
    values: dict[str, object] = {
        "user": "",
        "entrypoint": ("/app/server",),
        "cmd": ("--listen", ":8080"),
        "env": (
            model.EnvVar(name="PATH", value="/usr/bin:/bin", redacted=False),
            model.EnvVar(name="API_TOKEN", value=None, redacted=True),
        ),
        "exposed_ports": ("8080/tcp",),
        "volumes": (),
        "labels": {"org.opencontainers.image.revision": "3f2a9c1"},
        "healthcheck": None,
        "workdir": "/app",
        "stop_signal": None,
        "created": "2026-11-02T10:00:00Z",
    }
    return model.Config(**(values | facts))  # type: ignore[arg-type]


NO_CERTIFICATES = model.Finding(
    id="IA007",
    title="No CA certificates",
    severity="medium",
    message="The service's binary opens TLS connections, and the image holds no CA certificates.",
    path=None,
    remediation="Copy ca-certificates.crt from the build stage.",
    fingerprint="f00d0007",
)
ROOT_USER = model.Finding(
    id="IA002",
    title="Runs as root",
    severity="high",
    message="USER is not set, so the service runs as root.",
    remediation="Set USER 65532:65532.",
    fingerprint="f00d0002",
)
CHECKS = (
    model.Check(id="IA002", status="fail"),
    model.Check(id="IA003", status="pass"),
    model.Check(id="IA007", status="fail"),
    model.Check(id="IA012", status="not_applicable", reason="the image has no shell"),
    model.Check(id="IA020", status="skipped", reason="the binary was not analysed"),
)


def scratch() -> model.Image:
    parts = {"go code": 3_600_000, "go runtime tables": 2_012_000, "go data": 1_300_000, "certificates": 214_000}
    return image(
        "scratch",
        (layer(0, "certs", 214_000, created_by="COPY /etc/ssl /etc/ssl"), layer(1, "server", 6_912_000)),
        parts,
        runtime=runtime(ca_certificates=model.CaCertificates(present=True, path=CERTIFICATES, count=142)),
        binaries=(binary(layer=1, size_breakdown=breakdown(6_912_000), predictions=(UPX_PREDICTION,)),),
        fitness=model.Fitness(
            runs=True, lacks=("time zones", "/tmp"), program="/app/server", how="static, nothing needed"
        ),
        findings=(ROOT_USER,),
        checks=CHECKS,
    )


UPX_PREDICTION = model.Prediction(
    what="pack with UPX",
    method="upx --lzma",
    saves=model.PredictedSaving(file=4_500_000, download=300_000),
    basis="estimated from the sections' entropy",
)


def scratch_symbols() -> model.Image:
    parts = {"go code": 3_600_000, "go runtime tables": 2_012_000, "go data": 1_300_000, "debug data": 3_100_000}
    return image(
        "scratch-symbols",
        (layer(0, "certs", 214_000, created_by="COPY /etc/ssl /etc/ssl"), layer(1, "server-symbols", 10_012_000)),
        parts | {"certificates": 214_000},
        runtime=scratch().runtime,
        binaries=(binary(10_012_000, layer=1, stripped=False, symtab=True, dwarf=True),),
        fitness=scratch().fitness,
        findings=(ROOT_USER,),
    )


def scratch_upx() -> model.Image:
    upx = model.UpxInfo(
        present=True,
        version=13,
        method="lzma",
        filter=0x49,
        packed_size=2_420_000,
        unpacked_size=6_912_000,
        ratio=0.35,
        decoded="all",
    )
    return image(
        "scratch-upx",
        (layer(0, "packed", 2_420_000, download=2_391_000),),
        {"packed program": 2_420_000},
        binaries=(binary(2_420_000, upx=upx),),
        fitness=model.Fitness(
            runs=True,
            problems=("needs an executable mapping that some seccomp profiles forbid",),
            lacks=("CA certificates", "time zones", "/tmp"),
            program="/app/server",
            how="static, nothing needed",
        ),
        findings=(ROOT_USER, NO_CERTIFICATES),
    )


def distroless() -> model.Image:
    base = tuple(
        layer(n, f"distroless {n}", size, from_base=True, created_by=None)
        for n, size in enumerate((310_000, 1_420_000, 640_000))
    )
    return image(
        "distroless",
        (*base, layer(3, "server", 6_912_000)),
        {
            "go code": 3_600_000,
            "go runtime tables": 2_012_000,
            "go data": 1_300_000,
            "certificates": 214_000,
            "time zones": 1_420_000,
            "os files": 700_000,
            "package databases": 36_000,
        },
        base=model.Base(family="distroless", name="Debian GNU/Linux", version="12", evidence="/etc/os-release, dpkg"),
        packages=(
            model.Package(
                type="deb", name="tzdata", version="2026a-0", arch="all", purl="pkg:deb/debian/tzdata", size=1_420_000
            ),
            model.Package(
                type="deb", name="base-files", version="12.4", arch="amd64", purl="pkg:deb/debian/base-files", size=None
            ),
        ),
        runtime=runtime(
            ca_certificates=model.CaCertificates(present=True, path=CERTIFICATES, count=142),
            tzdata=model.TimeZones(present=True, path="/usr/share/zoneinfo"),
            passwd=True,
            tmp=True,
        ),
        binaries=(binary(layer=3),),
        checks=(model.Check(id="IA002", status="pass"),),
        config=config(user="65532:65532"),
    )


def alpine() -> model.Image:
    return image(
        "alpine",
        (
            layer(0, "alpine 3.22", 7_900_000, from_base=True, created_by="ADD alpine-minirootfs.tar.gz /"),
            layer(1, "server", 6_912_000),
        ),
        {
            "go code": 3_600_000,
            "go runtime tables": 2_012_000,
            "go data": 1_300_000,
            "os files": 7_526_000,
            "certificates": 214_000,
            "package databases": 160_000,
        },
        base=model.Base(family="alpine", name="Alpine Linux", version="3.22.1", evidence="/etc/os-release, apk"),
        packages=tuple(
            model.Package(type="apk", name=name, version="1.0-r0", arch="x86_64", purl=f"pkg:apk/alpine/{name}", size=n)
            for name, n in (("busybox", 950_000), ("musl", 640_000), ("libcrypto3", 4_600_000))
        ),
        runtime=runtime(
            libc="musl 1.2.5",
            shell="/bin/sh",
            package_manager="/sbin/apk",
            ca_certificates=model.CaCertificates(present=True, path=CERTIFICATES, count=142),
            passwd=True,
            tmp=True,
        ),
        binaries=(binary(layer=1),),
    )


def debian() -> model.Image:
    dead = (
        model.DeadFile(path="/var/lib/apt/lists/Packages", size=9_100_000, layer=1, cause="deleted", by_layer=2),
        model.DeadFile(path="/app/server", size=6_900_000, layer=1, cause="overwritten", by_layer=2),
    )
    return image(
        "debian",
        (
            layer(0, "debian 12", 74_800_000, from_base=True, created_by="debuerreotype 0.16", files=3_400, dirs=900),
            layer(1, "apt", 40_000_000, dead=16_000_000, created_by="RUN apt-get update && apt-get install -y curl"),
            layer(2, "server-cgo", 7_400_000),
        ),
        {
            "go code": 3_900_000,
            "go runtime tables": 2_100_000,
            "go data": 1_400_000,
            "os files": 92_000_000,
            "certificates": 214_000,
            "package databases": 5_000_000,
            "other binaries": 1_586_000,
        },
        dead=16_000_000,
        deleted=9_100_000,
        files=model.Files(
            largest=(model.LargeFile(path="/usr/lib/x86_64-linux-gnu/libcrypto.so.3", size=4_700_000, layer=1),),
            dead=dead,
        ),
        base=model.Base(family="debian", name="Debian GNU/Linux", version="12", evidence="/etc/os-release, dpkg"),
        packages=tuple(
            model.Package(type="deb", name=f"lib{n:02}", version="1.2", arch="amd64", purl=f"pkg:deb/lib{n:02}", size=n)
            for n in range(10_000, 1_000_000, 11_000)
        ),
        runtime=FULL_RUNTIME,
        binaries=(
            binary(
                7_400_000,
                layer=2,
                linkage="dynamic",
                type="dyn",
                interpreter="/lib64/ld-linux-x86-64.so.2",
                interpreter_present=True,
                needed=("libc.so.6",),
                glibc_required="2.34",
                go=go_info(cgo=True),
                hardening=model.Hardening(pie=True, relro="full", nx=True, canary=True, fortify=False),
            ),
        ),
        fitness=model.Fitness(runs=True, program="/app/server", how="interpreter and libraries are there"),
        findings=(ROOT_USER,),
    )


def arm64() -> model.Image:
    """Held uncompressed: its download is an estimate."""
    return image(
        "arm64",
        (layer(0, "server-arm64", 6_700_000, download_estimated=True, digest=None, download=2_750_000),),
        {"go code": 3_500_000, "go runtime tables": 1_950_000, "go data": 1_250_000},
        source="docker",
        platform=model.Platform(os="linux", architecture="arm64", variant="v8"),
        binaries=(binary(6_700_000, machine="arm64"),),
    )


def cgo_on_scratch() -> model.Image:
    """Its interpreter is in another image: it can't start."""
    return image(
        "cgo-scratch",
        (layer(0, "server-cgo", 7_400_000),),
        {"go code": 3_900_000, "go runtime tables": 2_100_000, "go data": 1_400_000},
        binaries=(
            binary(
                7_400_000,
                linkage="dynamic",
                interpreter="/lib64/ld-linux-x86-64.so.2",
                interpreter_present=False,
                needed=("libc.so.6",),
                missing=("libc.so.6",),
            ),
        ),
        fitness=model.Fitness(
            runs=False,
            problems=("the interpreter /lib64/ld-linux-x86-64.so.2 is missing",),
            program="/app/server",
            how="dynamic, interpreter looked up",
        ),
    )


def incomplete() -> model.Image:
    """Its last layer could not be read: what depends on it is unknown."""
    read = layer(0, "alpine 3.22", 7_900_000, from_base=True)
    facts = dict.fromkeys(("unpacked", "files", "dirs", "dead"))
    broken = msgspec.structs.replace(layer(1, "broken", 0, **facts, download=3_000_000), content=None)
    unknown = model.Sizes(
        download=6_161_380,
        download_estimated=False,
        unpacked=None,
        content=None,
        rootfs=None,
        dead=None,
        duplicate=None,
        engine=None,
    )
    whole = image(
        "incomplete",
        (read, broken),
        {"os files": 7_900_000},
        complete=False,
        skipped=(model.Skipped(what="layer 1", reason="gzip data ends early, at byte 2,999,800"),),
        size=unknown,
        runtime=None,
        binaries=(
            binary(
                path="/app/other",
                role="other",
                linkage=None,
                needed=None,
                missing=None,
                stripped=None,
                symtab=None,
                dwarf=None,
                hardening=None,
                go=model.GoInfo(present=None),
                analysis=model.Analysis(status="not_analysed", reason="over the limit of 256 MiB"),
            ),
        ),
        base=model.Base(family="unknown", name=None, version=None, evidence="layer 1 could not be read"),
        fitness=model.Fitness(runs=None, problems=("layer 1 could not be read",)),
    )
    return msgspec.structs.replace(whole, attribution=())


FAILED = model.Failed(
    label="gone", reference="registry.example.org/shop:gone", exit_code=4, reason="The registry has no such tag."
)
TOOL = model.Tool(name="imgaudit", version="0.1.0")


def report(*images: model.Image, **facts: object) -> model.Report:
    failed: tuple[model.Failed, ...] = facts.get("failed", ())  # type: ignore[assignment]
    values: dict[str, object] = {
        "schema_version": "1.0",
        "tool": TOOL,
        "generated_at": "2026-11-21T12:00:00Z",
        "complete": not failed and all(item.complete for item in images),
        "images": images,
        "failed": (),
    }
    return model.Report(**(values | facts))  # type: ignore[arg-type]


def comparison(images: tuple[model.Image, ...], recommended: str | None, reason: str) -> model.Comparison:
    """The first image is the reference."""
    first = images[0].size
    holders: dict[str, list[model.Image]] = {}
    for item in images:
        for diff_id in dict.fromkeys(entry.diff_id for entry in item.layers):
            holders.setdefault(diff_id, []).append(item)
    shared = []
    for diff_id, held in holders.items():
        if len(held) > 1:
            entry = next(entry for entry in held[0].layers if entry.diff_id == diff_id)
            labels = tuple(item.label for item in held)
            shared.append(
                model.SharedLayer(diff_id=diff_id, unpacked=entry.unpacked, download=entry.download, labels=labels)
            )
    return model.Comparison(
        reference=images[0].label,
        reference_kind="image",
        variants=tuple(_variant(item, first) for item in images),
        shared=tuple(shared),
        changes=tuple(_change(item, first) for item in images[1:] if item.size.rootfs is not None),
        recommendation=model.Recommendation(label=recommended, reason=reason),
    )


def _variant(item: model.Image, first: model.Sizes) -> model.Variant:
    def difference(new: int | None, old: int | None) -> int | None:
        return None if new is None or old is None else new - old

    comparable = item.size.download_estimated == first.download_estimated
    return model.Variant(
        label=item.label,
        download=item.size.download,
        unpacked=item.size.unpacked,
        rootfs=item.size.rootfs,
        delta=model.Delta(
            download=difference(item.size.download, first.download) if comparable else None,
            unpacked=difference(item.size.unpacked, first.unpacked),
            rootfs=difference(item.size.rootfs, first.rootfs),
        ),
    )


def _change(item: model.Image, first: model.Sizes) -> model.Change:
    delta = (item.size.rootfs or 0) - (first.rootfs or 0)
    base = int(delta * 0.9)
    cause = model.Cause(cause="base", bytes=base, detail=f"{item.base.family} instead of scratch")
    return model.Change(label=item.label, measure="rootfs", delta=delta, causes=(cause,), unexplained=delta - base)


def compared() -> model.Report:
    """Eight variants: one can't run, one is an estimate, one could not be read to its end; one more failed."""
    images = (
        debian(),
        scratch(),
        scratch_symbols(),
        scratch_upx(),
        distroless(),
        alpine(),
        arm64(),
        cgo_on_scratch(),
        incomplete(),
    )
    reason = "It is the smallest that can run its program and holds certificates and time zones."
    return report(*images, failed=(FAILED,), comparison=comparison(images, "distroless", reason))


def checked() -> model.Report:
    """What check writes: three gates, of which one failed and one could not be judged."""
    gates = (
        model.Gate(
            id="budget.download",
            label="debian",
            measure="download",
            actual=48_881_740,
            limit=40_000_000,
            passed=False,
            message="download of debian is 48.9 MB, 8.88 MB over its budget of 40 MB",
        ),
        model.Gate(
            id="budget.rootfs",
            label="scratch",
            measure="rootfs",
            actual=7_126_000,
            limit=15_000_000,
            passed=True,
            message="rootfs of scratch is 7.13 MB, within its budget of 15 MB",
        ),
        model.Gate(
            id="regression.download",
            label="arm64",
            measure="download",
            actual=None,
            limit=None,
            passed=None,
            message="download of arm64 is an estimate, the baseline's was measured",
        ),
    )
    return report(debian(), scratch(), arm64(), verdict=model.Verdict(passed=False, gates=gates))


def binaries() -> model.BinaryReport:
    """Two binaries on disk and their difference."""
    old, new = (
        binary(6_912_000, path="./server-old", layer=None, size_breakdown=breakdown(6_912_000)),
        binary(7_400_000, path="./server-new", layer=None, stripped=False, symtab=True),
    )
    return model.BinaryReport(
        schema_version="1.0",
        tool=TOOL,
        generated_at="2026-11-21T12:00:00Z",
        complete=True,
        binaries=(old, new),
        failed=(),
        comparison=model.BinaryComparison(
            old="./server-old",
            new="./server-new",
            delta=488_000,
            modules=(
                model.BinaryDelta(path="example.org/new", old=None, new=250_000, delta=250_000),
                model.BinaryDelta(path="example.org/dep01", old=100_000, new=300_000, delta=200_000),
                model.BinaryDelta(path="example.org/gone", old=60_000, new=None, delta=-60_000),
                model.BinaryDelta(path="std", old=2_419_200, new=2_400_000, delta=-19_200),
            ),
            packages=(
                model.BinaryDelta(path="example.org/new/x", old=None, new=250_000, delta=250_000),
                model.BinaryDelta(path="example.org/dep01", old=100_000, new=300_000, delta=200_000),
                model.BinaryDelta(path="example.org/gone", old=60_000, new=None, delta=-60_000),
                model.BinaryDelta(path="net/http", old=1_036_800, new=1_017_600, delta=-19_200),
            ),
            embeds=(
                model.BinaryDelta(path="example.org/shop/web: web/app.js", old=345_600, new=305_600, delta=-40_000),
            ),
            sections=(
                model.BinaryDelta(path=".symtab", old=None, new=120_000, delta=120_000),
                model.BinaryDelta(path=".typelink", old=800, new=None, delta=-800),
            ),
            unexplained=38_000,
        ),
    )


NASTY = (
    "<script>alert(1)</script>",
    "a|b`c`*d*_e_[f](http://evil.example)",
    "\x1b[31mred\x1b]0;title\x07",
    "\r::stop-commands::x",
    "line one\nline two\n# heading",
    "\u202egnp.exe\u2066\u200b",
    "=cmd|' /C calc'!A0",
    "@everyone #1 http://evil.example www.evil.example",
    "nul\x00byte \udcff",
    "--></details><!-- ]]>",
    '"><img src=x onerror=alert(1)>',
    "漢字" * 4,
    "x" * 10_000,
)


def hostile() -> model.Report:
    """Every string that an image can choose is one of NASTY."""
    return report(
        *(_hostile_image(text) for text in NASTY),
        failed=tuple(model.Failed(label=text, reference=text, exit_code=4, reason=text) for text in NASTY),
    )


def hostile_compared() -> model.Report:
    base = hostile()
    return report(
        *base.images, failed=base.failed, comparison=comparison(base.images, base.images[0].label, base.images[5].label)
    )


def _hostile_image(text: str) -> model.Image:
    go = model.GoInfo(
        present=True,
        version=text,
        path=text,
        module=model.GoModule(path=text, version=text),
        dependencies=(model.GoModule(path=text, version=text),),
        settings={text: text},
    )
    finding = model.Finding(
        id="IA999", title=text, severity="low", message=text, path=text, remediation=text, url=text, fingerprint="f"
    )
    return image(
        text,
        (layer(0, text, 1_000_000, created_by=text, media_type=text),),
        {"other files": 1_000_000},
        reference=text,
        source=text,
        platform=model.Platform(os=text, architecture=text),
        config=config(user=text, entrypoint=(text,), labels={text: text}, env=(), workdir=text),
        base=model.Base(family="other", name=text, version=text, evidence=text),
        packages=(model.Package(type="deb", name=text, version=text, arch=text, purl=text, size=1),),
        runtime=runtime(libc=text, shell=text, init=text, package_manager=text),
        files=model.Files(
            largest=(model.LargeFile(path=text, size=9, layer=0),),
            dead=(model.DeadFile(path=text, size=9, layer=0, cause="deleted", by_layer=0),),
        ),
        binaries=(binary(path=text, needed=(text,), missing=(text,), interpreter=text, go=go),),
        skipped=(model.Skipped(what=text, reason=text),),
        complete=False,
        fitness=model.Fitness(runs=None, problems=(text,), lacks=(text,), program=text, how=text),
        findings=(finding,),
        checks=(model.Check(id="IA999", status="skipped", reason=text),),
        probe=model.Probe(
            runs=2,
            ready_ms=model.Spread(min=1.0, median=2.0, max=3.0),
            stop=model.Stop(signal=text, exit_code=137, ms=4.0),
            error=text,
            asked=text,
            exit_code=1,
            output=f"{text}\n{text}",
        ),
    )
