"""A tool that is none: a program on PATH that says what a test wants said, and notes how it was called."""

import dataclasses
import json
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

_CODE = """#!{python}
import json, os, sys, time
calls = {calls!r}
with open(calls, "a") as file:
    environment = {{name: os.environ[name] for name in os.environ if name.startswith(("TRIVY", "GRYPE", "DOCKER_"))}}
    print(json.dumps([sys.argv[1:], environment, os.getcwd(), os.listdir("."), os.environ["TMPDIR"]]), file=file)
if sys.argv[1] == "version":
    print({version!r})
    sys.exit(0)
{body}
"""


@dataclasses.dataclass(frozen=True)
class Call:
    words: list[str]
    environment: dict[str, str]
    folder: str
    held: list[str]
    temporary: str


class Fake:
    """One tool on PATH. says: the document that it prints, or code that runs in place of printing one."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str = "trivy") -> None:
        folder.mkdir(exist_ok=True)
        self._path, self._calls = folder / name, folder / f"{name}.calls"
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        self.version: Any = {
            "Version": "0.70.0",
            "VulnerabilityDB": {"Version": 2, "UpdatedAt": "2026-03-01T06:21:35.123456789Z"},
        }

    def says(self, document: Any = None, *, body: str = "") -> None:
        text = document if isinstance(document, str) else json.dumps(document)
        code = _CODE.format(
            python=sys.executable,
            calls=str(self._calls),
            version=json.dumps(self.version),
            body=body or f"print({text!r})",
        )
        self._path.write_text(code)
        self._path.chmod(self._path.stat().st_mode | stat.S_IXUSR)

    @property
    def calls(self) -> list[Call]:
        lines = self._calls.read_text().splitlines() if self._calls.exists() else []
        return [Call(*json.loads(line)) for line in lines]


def trivy_report(image_id: str | None, *results: Mapping[str, Any], system: Mapping[str, Any] | None = None) -> Any:
    """A report of trivy, written for tests from the fields that its version 0.59.1 was seen to write."""
    metadata: dict[str, Any] = {"OS": dict(system)} if system else {}
    if image_id is not None:
        metadata["ImageID"] = image_id
    return {
        "SchemaVersion": 2,
        "CreatedAt": "2026-03-04T00:00:00Z",
        "ArtifactName": "app.tar",
        "ArtifactType": "container_image",
        "Metadata": {**metadata, "ImageConfig": {"architecture": "amd64"}},
        "Results": [dict(each) for each in results],
    }


def vulnerability(id: str, package: str, version: str, fixed: str = "", severity: str = "HIGH", **more: Any) -> Any:
    return {
        "VulnerabilityID": id,
        "PkgName": package,
        "InstalledVersion": version,
        "FixedVersion": fixed,
        "Severity": severity,
        "Title": f"{package} is wrong",
        **more,
    }


def go_result(path: str, *found: Any, packages: Mapping[str, str] | None = None) -> dict[str, Any]:
    listed = packages if packages is not None else {"stdlib": "v1.26.8"}
    return {
        "Target": path,
        "Class": "lang-pkgs",
        "Type": "gobinary",
        "Packages": [{"Name": name, "Version": version} for name, version in listed.items()],
        "Vulnerabilities": list(found),
    }
