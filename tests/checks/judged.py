"""Images in memory, audited, and what one check says of them."""

import itertools
import struct
from pathlib import Path
from typing import Any

from imgaudit import model
from imgaudit.audit import audit
from tests.support.images import Image, Layer, docker_archive, make_tar

_numbers = itertools.count()
SEVERITIES = ("critical", "high", "medium", "low", "info")


def audited(folder: Path, *layers: list[Any], config: dict[str, Any] | None = None, **image: Any) -> model.Image:
    """An image of these layers, each a list of entries."""
    path = folder / f"{next(_numbers)}.tar"
    docker_archive(path, Image([Layer(make_tar(entries)) for entries in layers], config=config or {}, **image))
    (found,) = audit(f"app=docker-archive:{path}")
    assert_no_worse_than_declared(found)
    return found


def assert_no_worse_than_declared(image: model.Image) -> None:
    """No finding is worse than its check can be: the score takes that of a check that was not made."""
    worst = {check.id: check.severity for check in image.checks}
    for finding in image.findings:
        declared = worst[finding.id]
        assert declared is not None
        assert SEVERITIES.index(finding.severity) >= SEVERITIES.index(declared), (finding.id, finding.severity)


def status(image: model.Image, id_: str) -> str:
    """Of the check with this id; what is neither a pass nor a fail has a reason."""
    check = next(check for check in image.checks if check.id == id_)
    assert check.reason or check.status in ("pass", "fail")
    return check.status


def findings(image: model.Image, id_: str) -> list[model.Finding]:
    found = [finding for finding in image.findings if finding.id == id_]
    assert bool(found) == (status(image, id_) == "fail")
    return found


def capabilities(*bits: int, effective: bool = True) -> dict[str, str]:
    """PAX headers of a file with these capabilities."""
    mask = sum(1 << bit for bit in bits)
    value = struct.pack("<5I", 0x02000000 | effective, mask & 0xFFFFFFFF, 0, mask >> 32, 0)
    return {"SCHILY.xattr.security.capability": value.decode("utf-8", "surrogateescape")}
