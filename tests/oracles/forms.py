"""One image of the engine in every form that it can be handed on in, made by docker, skopeo and podman."""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

from tests.support.docker import run
from tests.support.tools import REGISTRY, need, need_registry

# One for each process of a test run: what one of them deletes by its digest may be another's too.
REPOSITORY = f"imgaudit-test/oracle-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)


@dataclasses.dataclass(frozen=True)
class Forms:
    """tag: in the engine. archive: of docker save. references: by form, as imgaudit takes them. inspected: what Podman
    says."""

    tag: str
    archive: pathlib.Path
    layout: pathlib.Path
    references: dict[str, str]
    environment: dict[str, str]
    inspected: dict[str, Any]

    def blob(self, digest: str) -> pathlib.Path:
        return self.layout / "blobs" / digest.replace(":", "/")

    @property
    def manifest(self) -> dict[str, Any]:
        """Of the OCI layout, which skopeo compressed."""
        index = json.loads((self.layout / "index.json").read_bytes())
        found: dict[str, Any] = json.loads(self.blob(index["manifests"][0]["digest"]).read_bytes())
        return found


def save(tag: str, folder: pathlib.Path) -> Forms:
    """As docker save writes it, and as skopeo makes an OCI layout of that."""
    need("docker", "skopeo")
    archive, layout = folder / "saved.tar", folder / "layout"
    run("docker", "save", "-o", archive, tag)
    run("skopeo", "copy", "-q", f"docker-archive:{archive}", f"oci:{layout}:it")
    references = {
        "docker": f"docker:{tag}",
        "docker-archive": f"docker-archive:{archive}",
        "oci-dir": f"oci-dir:{layout}",
    }
    return Forms(tag, archive, layout, references, {}, {})


@contextlib.contextmanager
def every_form(tag: str, folder: pathlib.Path) -> Iterator[Forms]:
    """These, an archive of the layout, a registry and Podman, the latter two cleaned up at the end."""
    need("podman")
    need_registry()
    forms = save(tag, folder)
    packed = folder / "packed.tar"
    run("skopeo", "copy", "-q", f"oci:{forms.layout}:it", f"oci-archive:{packed}:it")
    pushed = f"{REGISTRY}/{REPOSITORY}:{tag.replace(':', '-')}"
    run("docker", "tag", tag, pushed)
    run("docker", "push", "-q", pushed)
    with contextlib.ExitStack() as stack:
        stack.callback(run, "docker", "image", "rm", pushed)
        stack.callback(delete_manifest, pushed)
        socket, inspected = stack.enter_context(podman_with(forms.archive, f"localhost/{tag}"))
        environment = {"CONTAINER_HOST": f"unix://{socket}"}
        references = forms.references | {
            "oci-archive": f"oci-archive:{packed}",
            "registry": f"registry:{pushed}",
            "podman": f"podman:localhost/{tag}",
        }
        yield dataclasses.replace(forms, references=references, environment=environment, inspected=inspected)


def delete_manifest(reference: str) -> None:
    repository, _, tag = reference.removeprefix(f"{REGISTRY}/").rpartition(":")
    raw = run("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{reference}")
    accept = json.loads(raw).get("mediaType", MANIFESTS[1])
    base = f"http://{REGISTRY}/v2/{repository}/manifests"
    asked = urllib.request.Request(f"{base}/{tag}", method="HEAD", headers={"Accept": accept})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        digest = answer.headers["Docker-Content-Digest"]
    with urllib.request.urlopen(urllib.request.Request(f"{base}/{digest}", method="DELETE"), timeout=10):
        pass


@contextlib.contextmanager
def podman_with(archive: pathlib.Path, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The socket of a Podman with a store of its own that holds the archive's image, and what it says of the image."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="oracle"))  # short: a socket's path is limited
    podman = ["podman", "--root", f"{folder}/root", "--runroot", f"{folder}/run", "--storage-driver", "vfs"]
    try:
        run(*podman, "load", "-q", "-i", archive)
        inspected: dict[str, Any] = json.loads(run(*podman, "inspect", name))[0]
        service = subprocess.Popen(
            [*podman, "system", "service", "--time=0", f"unix://{folder}/s"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 20
            while not (folder / "s").exists():
                assert service.poll() is None, "podman system service has ended"
                assert time.monotonic() < deadline, "podman system service does not start"
                time.sleep(0.05)
            yield f"{folder}/s", inspected
        finally:
            service.terminate()
            service.wait(timeout=20)
    finally:
        shutil.rmtree(folder, ignore_errors=os.geteuid() == 0)
