"""User and rights: each check fails, passes and does not apply."""

from pathlib import Path

import pytest

from tests.checks.judged import audited, capabilities, findings, status
from tests.support.images import file, folder, symlink

PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n"
GROUP = "root:x:0:\napp:x:1000:\n"


@pytest.mark.parametrize("user", ["", "root", "0", "0:0", "root:app", "00", "toor", "0:1000", "+0", "-0:5", "plus"])
def test_root_in_any_spelling(user: str, tmp_path: Path) -> None:
    image = audited(
        tmp_path, [file("/etc/passwd", PASSWD + "toor:x:0:0::/:/bin/sh\nplus:x:+0:0::/:\n")], config={"User": user}
    )
    (finding,) = findings(image, "IA301")
    assert (user or "no user") in finding.message


@pytest.mark.parametrize("user", ["app", "1000", "65532:65532", "app:0", "nobody"])
def test_another_user(user: str, tmp_path: Path) -> None:
    assert status(audited(tmp_path, [file("/etc/passwd", PASSWD)], config={"User": user}), "IA301") == "pass"


def test_setuid_files_of_the_image_and_of_its_base(tmp_path: Path) -> None:
    image = audited(tmp_path, [file("/su", mode=0o4755), file("/wall", mode=0o2755), file("/ls", mode=0o755)])
    assert [(found.path, found.severity) for found in findings(image, "IA302")] == [("/su", "low"), ("/wall", "low")]
    assert "setuid (mode 4755, user 0)" in findings(image, "IA302")[0].message
    assert status(image, "IA303") == "not_applicable"
    assert status(audited(tmp_path, [file("/ls", mode=0o755)]), "IA302") == "pass"


def test_a_deleted_setuid_file_is_gone(tmp_path: Path) -> None:
    from tests.support.images import whiteout

    assert status(audited(tmp_path, [file("/su", mode=0o4755)], [whiteout("/su")]), "IA302") == "pass"


def test_world_writable(tmp_path: Path) -> None:
    image = audited(
        tmp_path,
        [folder("/tmp", mode=0o1777), folder("/data", mode=0o777), file("/f", mode=0o666), symlink("/link", "/f")],
    )
    assert [found.path for found in findings(image, "IA304")] == ["/data", "/f"]
    assert status(audited(tmp_path, [folder("/tmp", mode=0o1777)]), "IA304") == "pass"


def test_file_capabilities(tmp_path: Path) -> None:
    image = audited(
        tmp_path,
        [
            file("/low", mode=0o755, pax_headers=capabilities(10)),
            file("/root", mode=0o755, pax_headers=capabilities(21)),
            file("/none", mode=0o755, pax_headers=capabilities()),  # only lets a parent's pass
            file("/odd", mode=0o755, pax_headers={"SCHILY.xattr.security.capability": "no such thing"}),
        ],
    )
    found = [(finding.path, finding.severity) for finding in findings(image, "IA305")]
    assert found == [("/low", "low"), ("/root", "medium")]
    assert "net_bind_service" in findings(image, "IA305")[0].message


def test_empty_passwords(tmp_path: Path) -> None:
    shadow = file("/etc/shadow", "root:*:1::::::\napp::1::::::\n")
    image = audited(tmp_path, [file("/etc/passwd", PASSWD), shadow])
    assert [finding.message for finding in findings(image, "IA306")] == ["The account app has an empty password."]
    assert status(audited(tmp_path, [file("/etc/passwd", PASSWD)]), "IA306") == "pass"
    assert status(audited(tmp_path, [file("/etc/passwd", "root::0:0::/:\n")]), "IA306") == "fail"
    compat = file("/etc/passwd", "root:x:0:0::/:\n+::::::\n-::::::\n")  # other sources' rows, no accounts
    assert status(audited(tmp_path, [compat]), "IA306") == "pass"
    assert status(audited(tmp_path, [file("/f")]), "IA306") == "not_applicable"


def test_users_and_groups_twice(tmp_path: Path) -> None:
    twice = [file("/etc/passwd", PASSWD + "other:x:0:0::/:\n"), file("/etc/group", GROUP + "app:x:1001:\n")]
    image = audited(tmp_path, twice)
    assert [(found.path, found.severity) for found in findings(image, "IA307")] == [
        ("/etc/group", "low"),
        ("/etc/passwd", "medium"),
    ]
    assert status(audited(tmp_path, [file("/etc/passwd", PASSWD), file("/etc/group", GROUP)]), "IA307") == "pass"
    assert status(audited(tmp_path, [file("/f")]), "IA307") == "not_applicable"


def test_without_the_tree_nothing_passes(tmp_path: Path) -> None:
    """A layer that could not be read may hold anything."""
    from tests.support.images import Image, Layer, docker_archive

    path = docker_archive(tmp_path / "a.tar", Image([Layer(b"no tar at all" * 100, compression="none")]))
    from imgaudit.audit import audit

    (image,) = audit(f"docker-archive:{path}")
    assert not image.complete
    assert {status(image, f"IA30{number}") for number in range(2, 8)} == {"skipped"}
