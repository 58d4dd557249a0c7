#!/bin/sh
# Build the wheel, install it into an empty environment outside the checkout, and render a report from there:
# what a user gets must not lean on the checkout.   usage: tests/package.sh PYTHON
set -eu
python=$1
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m pip wheel -q --disable-pip-version-check --no-deps -w "$here/dist" "$here"
wheel=$(ls -t "$here"/dist/imgaudit-*.whl | head -1)
# Debian's python3 makes no environment with pip in it unless python3-venv is there; pip works from outside too.
"$python" -m venv --without-pip "$work/env"
"$python" -m pip --python "$work/env/bin/python" install -q --disable-pip-version-check "$wheel"
"$work/env/bin/python" - "$work/hello.tar" <<'PYTHON'
import hashlib, io, json, sys, tarfile

def tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()

layer = tar([("hello", b"#!/bin/sh\n")])
config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/hello"]},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}).encode()
manifest = json.dumps([{"Config": "config.json", "RepoTags": ["hello:1"], "Layers": ["layer.tar"]}]).encode()
open(sys.argv[1], "wb").write(tar([("layer.tar", layer), ("config.json", config), ("manifest.json", manifest)]))
PYTHON
cd "$work"
"$work/env/bin/imgaudit" --version
"$work/env/bin/imgaudit" inspect -q "docker-archive:$work/hello.tar" \
  -o table -o html="$work/hello.html" -o markdown="$work/hello.md" -o json="$work/hello.json"
grep -q '</html>' "$work/hello.html"
"$work/env/bin/imgaudit" report "$work/hello.json" -o html="$work/again.html"
cmp "$work/hello.html" "$work/again.html"
"$work/env/bin/python" -c 'import imgaudit, pathlib; assert imgaudit.inspect("docker-archive:hello.tar").size.rootfs == 10
assert (pathlib.Path(imgaudit.__file__).parent / "py.typed").exists()'
echo "package: $(basename "$wheel") works in an empty environment"
