"""Source packages as the package managers inside images tell them."""

import pytest

import imgaudit
from tests.support import docker
from tests.support.tools import need_engine

pytestmark = pytest.mark.engine
DPKG = ["dpkg-query", "-W", "-f", "${Package} ${Version} ${source:Package} ${source:Version}\\n"]


@pytest.mark.thorough
def test_debian() -> None:
    need_engine()
    image = "debian:bookworm-slim"
    said = docker.run("docker", "run", "--rm", "--network", "none", image, *DPKG).decode().split("\n")
    packages = imgaudit.inspect(f"docker:{image}", breakdown="none").packages
    assert sorted(f"{p.name} {p.version} {p.source} {p.source_version}" for p in packages) == sorted(filter(None, said))
    assert any(p.source_version != p.version for p in packages)


def test_alpine() -> None:
    need_engine()
    image = "alpine:3.20"
    listed = docker.run("docker", "run", "--rm", "--network", "none", image, "apk", "list", "-I").decode()
    origins = {
        line.split(" ")[0]: line.partition("{")[2].partition("}")[0] for line in listed.splitlines() if "{" in line
    }
    packages = imgaudit.inspect(f"docker:{image}", breakdown="none").packages
    assert {f"{p.name}-{p.version}": p.source for p in packages} == origins
    assert "ssl_client" in {p.name for p in packages if p.source == "busybox"}
