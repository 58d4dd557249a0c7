"""How bad an entry says that it is."""

from typing import Any

import msgspec
import pytest

from imgaudit.vulnerabilities.interface import Affected, Entry
from imgaudit.vulnerabilities.severity import cvss3, severity_of


# Vectors and scores as FIRST's examples and NVD publish them.
@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", 7.5),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N", 5.9),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),
        ("CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8),
        ("CVSS:3.0/AV:P/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N", 4.6),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O", 9.8),
        ("CVSS:3.1/AV:N/AC:L", None),
        ("CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", None),
        ("9.8", None),
        ("", None),
    ],
)
def test_cvss(vector: str, score: float | None) -> None:
    assert cvss3(vector) == score


@pytest.mark.parametrize(
    ("entry", "affected", "wanted"),
    [
        ({}, {}, (None, None)),
        (
            {"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]},
            {},
            ("high", 7.5),
        ),
        ({"severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/..."}]}, {}, (None, None)),
        ({"database_specific": {"severity": "MODERATE"}}, {}, ("medium", None)),
        ({}, {"ecosystem_specific": {"urgency": "unimportant"}}, ("info", None)),
        ({}, {"ecosystem_specific": {"urgency": "not yet assigned"}}, (None, None)),
        ({}, {"ecosystem_specific": {"severity": 7}}, (None, None)),
        ({}, {"severity": [{"type": "Ubuntu", "score": "low"}]}, ("low", None)),
        (
            {"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]},
            {"ecosystem_specific": {"urgency": "low"}},  # the distribution knows better
            ("low", 9.8),
        ),
    ],
)
def test_words_and_vectors(entry: dict[str, Any], affected: dict[str, Any], wanted: object) -> None:
    assert severity_of(msgspec.convert({"id": "A", **entry}, Entry), msgspec.convert(affected, Affected)) == wanted
