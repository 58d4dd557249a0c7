#!/usr/bin/env python3
"""Make the images that bench/run.py times the tools on, in bench/out/ (about 4 GB): real files, real layers.

    scratch.tar        docker-archive: one Go binary of some 20 MB (the toolchain's compiler)
    debian.tar         docker-archive: Debian and the Go standard library's sources
    golang.tar         docker-archive: Debian, a Go toolchain and a module cache of many large modules
    golang-oci/        the same as an OCI folder, its layers gzip

Debian comes from the registry that --debian names, modules from the Go module proxy.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import pathlib
import subprocess
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE / "out"
KUBERNETES = [f"k8s.io/kubernetes@v1.{minor}.0" for minor in range(24, 32)]
MODULES = ["github.com/Azure/azure-sdk-for-go@v68.0.0+incompatible", *KUBERNETES]
OCI = "application/vnd.oci.image."


def sha256(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def add_tree(tar: tarfile.TarFile, root: pathlib.Path, name: str) -> None:
    for folder, folders, files in os.walk(root):
        folders.sort()
        here = pathlib.Path(folder)
        add_file(tar, here, f"{name}/{here.relative_to(root)}".removesuffix("/."))
        for file in sorted(files):
            path = pathlib.Path(folder) / file
            add_file(tar, path, f"{name}/{path.relative_to(root)}")


def add_file(tar: tarfile.TarFile, path: pathlib.Path, name: str) -> None:
    """As engines write layers (Go's archive/tar): whole seconds, ustar where the name fits, else a PAX header."""
    info = tar.gettarinfo(str(path), name)
    info.mtime = int(info.mtime)
    tar.format = tarfile.USTAR_FORMAT
    try:
        info.tobuf(tarfile.USTAR_FORMAT)
    except ValueError:
        tar.format = tarfile.PAX_FORMAT
    if info.isreg():
        with path.open("rb") as file:
            tar.addfile(info, file)
    else:
        tar.addfile(info)


def layer_of(path: pathlib.Path, *trees: tuple[pathlib.Path, str]) -> pathlib.Path:
    if not path.exists():
        partial = path.with_suffix(".partial")
        with tarfile.open(partial, "w") as tar:
            for root, name in trees:
                if root.is_dir():
                    add_tree(tar, root, name)
                else:
                    add_file(tar, root, name)
        partial.rename(path)
    return path


def debian_layer(reference: str) -> pathlib.Path:
    path = OUT / "layer-debian.tar"
    if not path.exists():
        import imgaudit

        with imgaudit.open_image(reference, platform="linux/amd64") as source:
            image = source.read(lambda blob: b"".join(iter(lambda: blob.stream.read(1 << 20), b"")))
        data = image.layers[0].result
        assert data is not None, image.layers[0].error
        path.write_bytes(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    return path


def module_cache() -> pathlib.Path:
    cache = OUT / "modcache"
    environment = {**os.environ, "GOMODCACHE": str(cache), "GOFLAGS": "-mod=mod -modcacherw"}
    subprocess.run(["go", "mod", "download", *MODULES], cwd=OUT, env=environment, check=True)
    return cache


def config_of(layers: list[pathlib.Path]) -> bytes:
    return json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": ["/server"], "Env": ["PATH=/usr/local/go/bin:/usr/bin:/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(layer)}" for layer in layers]},
            "history": [{"created_by": f"COPY {layer.name} /"} for layer in layers],
        }
    ).encode()


def docker_archive(path: pathlib.Path, layers: list[pathlib.Path]) -> None:
    config = config_of(layers)
    names = [f"{sha256(layer)}/layer.tar" for layer in layers]
    manifest = [{"Config": "config.json", "RepoTags": [f"bench:{path.stem}"], "Layers": names}]
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for layer, name in zip(layers, names, strict=True):
            tar.add(layer, name)
        for name, data in (("config.json", config), ("manifest.json", json.dumps(manifest).encode())):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def oci_dir(path: pathlib.Path, layers: list[pathlib.Path]) -> None:
    blobs = path / "blobs/sha256"
    blobs.mkdir(parents=True, exist_ok=True)

    def blob(data: bytes, kind: str) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": OCI + kind, "digest": f"sha256:{digest}", "size": len(data)}

    descriptors = []
    for layer in layers:
        packed = blobs / "partial"
        with packed.open("wb") as out, layer.open("rb") as file:
            subprocess.run(["gzip", "-6", "-n"], stdin=file, stdout=out, check=True)
        digest = sha256(packed)
        descriptors.append(
            {"mediaType": OCI + "layer.v1.tar+gzip", "digest": f"sha256:{digest}", "size": packed.stat().st_size}
        )
        packed.rename(blobs / digest)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI + "manifest.v1+json",
        "config": blob(config_of(layers), "config.v1+json"),
        "layers": descriptors,
    }
    top = blob(json.dumps(manifest).encode(), "manifest.v1+json")
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [top]}))
    (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--debian", default="registry:debian:bookworm-slim", metavar="REF")
    args = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    goroot = pathlib.Path(subprocess.check_output(["go", "env", "GOROOT"], text=True).strip())
    compiler = next(goroot.glob("pkg/tool/*/compile"))
    binary = layer_of(OUT / "layer-binary.tar", (compiler, "server"))
    debian = debian_layer(args.debian)
    sources = layer_of(OUT / "layer-sources.tar", (goroot / "src", "usr/src/go"))
    toolchain = layer_of(OUT / "layer-go.tar", (goroot, "usr/local/go"))
    modules = OUT / "layer-modules.tar"
    if not modules.exists():
        cache = module_cache()
        trees = [(tree, f"go/pkg/mod/{tree.name}") for tree in sorted(cache.iterdir()) if tree.name != "cache"]
        layer_of(modules, *trees)
    for name, layers in (
        ("scratch", [binary]),
        ("debian", [debian, sources]),
        ("golang", [debian, toolchain, modules, binary]),
    ):
        path = OUT / f"{name}.tar"
        if not path.exists():
            docker_archive(path, layers)
        print(f"{path}  {path.stat().st_size / 1e6:.0f} MB")
    folder = OUT / "golang-oci"
    if not (folder / "index.json").exists():
        oci_dir(folder, [debian, toolchain, modules, binary])
    print(folder)


if __name__ == "__main__":
    main()
