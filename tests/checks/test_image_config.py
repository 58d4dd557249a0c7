"""The image: each check fails, passes and does not apply, on configs and histories as builders write them."""

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from imgaudit import model
from imgaudit.audit import audit
from imgaudit.checks import Subject, run_checks
from imgaudit.checks.image_config import CHECKS
from imgaudit.checks.image_history import commands
from imgaudit.model.traces import HistoryTrace, Traces
from imgaudit.system.traces.provenance import read_build_images
from tests.checks.judged import audited, findings, status
from tests.support import reports
from tests.support.images import Image, Layer, docker_archive, file, symlink

OCI = "org.opencontainers.image."
APP = file("/app", "x", mode=0o755)
RELEASE = file("/etc/os-release", 'ID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME="Alpine Linux v3.20"\n')
SHELL = file("/bin/sh", "x", mode=0o755)


def made_by(tmp_path: Path, *steps: str, base: str = "ADD alpine-minirootfs-3.20.3-x86_64.tar.gz / # buildkit") -> Any:
    """An image on Alpine, a layer for each step of its history."""
    layers = [Layer.of(RELEASE, SHELL, created_by=base)]
    layers += [Layer.of(file(f"/{number}", "x"), created_by=step) for number, step in enumerate(steps)]
    (image,) = audit(f"app=docker-archive:{docker_archive(tmp_path / 'h.tar', Image(layers))}")
    return image


def messages(image: model.Image, id_: str) -> list[str]:
    return [finding.message for finding in findings(image, id_)]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"base.name": "docker.io/library/alpine:latest"}, "fail"),
        ({"base.name": "localhost:5000/base"}, "fail"),
        ({"base.name": "docker.io/library/alpine:3.20"}, "pass"),
        ({"base.name": "alpine:latest", "base.digest": "sha256:" + "0" * 64}, "pass"),
        ({"base.name": "alpine@sha256:" + "0" * 64}, "pass"),
        ({}, "skipped"),
    ],
)
def test_the_base_as_a_label_names_it(labels: dict[str, str], expected: str, tmp_path: Path) -> None:
    config = {"Labels": {OCI + name: value for name, value in labels.items()}}
    assert status(audited(tmp_path, [RELEASE, SHELL], [APP], config=config), "IA701") == expected


SHA = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("uris", "names", "expected"),
    [
        (["pkg:docker/alpine@3.20?platform=linux%2Famd64"], ("alpine:3.20",), "pass"),
        (
            ["pkg:docker/golang@1-alpine", "pkg:docker/ghcr.io/org/base@latest?platform=linux%2Famd64"],
            ("ghcr.io/org/base:latest", "golang:1-alpine"),
            "fail",
        ),
        ([f"pkg:docker/alpine@latest?digest={SHA}&platform=linux%2Famd64"], (f"alpine:latest@{SHA}",), "pass"),
        ([f"pkg:docker/alpine@{SHA}"], (f"alpine@{SHA}",), "pass"),
        (["pkg:docker/alpine"], ("alpine:latest",), "fail"),
        (["pkg:docker/docker/dockerfile@1", "https://example.com/x", 5, "pkg:docker/" + "a" * 600], None, "skipped"),
    ],
)
def test_the_base_as_the_provenance_names_it(uris: list[Any], names: tuple[str, ...] | None, expected: str) -> None:
    materials = [{"uri": uri} for uri in uris]
    for predicate in ({"materials": materials}, {"buildDefinition": {"resolvedDependencies": materials}}):
        assert read_build_images({"predicate": predicate}) == names
    base = model.Base(family="alpine", name="Alpine Linux v3.20", version="3.20", evidence="os-release")
    image = reports.image("x", (reports.layer(0, "x", 10),), {"go code": 10}, base=base)
    subject = Subject(image, Traces(files=(), accounts=(), groups=(), history=(), build_images=names))
    _, (found,) = run_checks(subject, [check for check in CHECKS if check.rule.id == "IA701"])
    assert found.status == expected


@pytest.mark.parametrize(
    "provenance", [None, {}, {"predicate": 1}, {"predicate": {"materials": {}}}, {"predicate": {}}]
)
def test_provenance_that_names_nothing(provenance: Any) -> None:
    assert read_build_images(provenance) is None


def test_scratch_can_not_be_pinned(tmp_path: Path) -> None:
    assert status(audited(tmp_path, [APP]), "IA701") == "not_applicable"


def test_labels_that_are_missing(tmp_path: Path) -> None:
    labels = {OCI + name: "x" for name in ("source", "revision", "version", "licenses")}
    assert status(audited(tmp_path, [APP], config={"Labels": labels}), "IA702") == "pass"
    labels[OCI + "version"] = " "
    del labels[OCI + "source"]
    (message,) = messages(audited(tmp_path, [APP], config={"Labels": labels}), "IA702")
    assert message == "Of org.opencontainers.image.* there is no source, version."


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        (["8080/tcp", "443/tcp"], []),
        (["22/tcp"], ["low"]),
        (["2375/tcp", "40000"], ["medium", "medium"]),
        (["2300-2400/tcp"], ["medium", "medium", "low"]),
        (["22/udp", "60600/tcp"], []),
    ],
)
def test_ports(ports: list[str], expected: list[str], tmp_path: Path) -> None:
    image = audited(tmp_path, [APP], config={"ExposedPorts": {port: {} for port in ports}})
    assert [finding.severity for finding in image.findings if finding.id == "IA703"] == expected
    assert status(image, "IA703") == ("fail" if expected else "pass")


def test_no_ports(tmp_path: Path) -> None:
    assert status(audited(tmp_path, [APP]), "IA703") == "not_applicable"


@pytest.mark.parametrize(
    ("volume", "expected"),
    [("/data", "pass"), ("/proc", "fail"), ("/etc/", "fail"), ("/", "fail"), ("/srv", "fail"), ("/srv/app/x", "pass")],
)
def test_volumes(volume: str, expected: str, tmp_path: Path) -> None:
    from tests.support.elf import make_elf

    config = {"Volumes": {volume: {}}, "Entrypoint": ["/srv/app/server"]}
    image = audited(tmp_path, [file("/srv/app/server", make_elf(), mode=0o755)], config=config)
    assert status(image, "IA704") == expected
    if volume == "/srv":
        assert messages(image, "IA704") == ["VOLUME /srv covers the program, /srv/app/server."]


def test_no_volumes(tmp_path: Path) -> None:
    assert status(audited(tmp_path, [APP]), "IA704") == "not_applicable"


@pytest.mark.parametrize(
    ("step", "url"),
    [
        ("ADD https://example.com/tool.tar.gz /tmp/ # buildkit", "https://example.com/tool.tar.gz"),
        ("ADD --chmod=755 https://example.com/tool /bin/ # buildkit", "https://example.com/tool"),
        ("ADD https://github.com/org/app.git#v1 /src # buildkit", "https://github.com/org/app.git#v1"),
        ("ADD --checksum=sha256:00 https://example.com/tool /bin/ # buildkit", None),
        ("ADD rootfs.tar.gz / # buildkit", None),
        ("COPY http://x /y # buildkit", None),
        ("RUN /bin/sh -c curl -O https://example.com/x # buildkit", None),
        ("LABEL url=https://example.com", None),
    ],
)
def test_add_of_an_url(step: str, url: str | None, tmp_path: Path) -> None:
    image = made_by(tmp_path, step)
    assert status(image, "IA705") == ("fail" if url else "pass")
    if url:
        assert messages(image, "IA705") == [f"ADD fetches {url}."]


def test_layers(tmp_path: Path) -> None:
    few = [[file(f"/{number}", "x")] for number in range(20)]
    assert status(audited(tmp_path, *few), "IA706") == "pass"
    (message,) = messages(audited(tmp_path, *few, [APP]), "IA706")
    assert message == "The image has 21 layers on top of its base."
    assert status(made_by(tmp_path, *["COPY . ."] * 20), "IA706") == "pass"
    assert "up to 21 layers" in messages(made_by(tmp_path, *["COPY . ."] * 21), "IA706")[0]


def test_health_on_scratch_is_for_the_orchestrator(tmp_path: Path) -> None:
    image = audited(tmp_path, [APP], config={"Entrypoint": ["/app"]})
    assert status(image, "IA707") == "not_applicable"
    (check,) = [check for check in image.checks if check.id == "IA707"]
    assert "httpGet" in (check.reason or "")


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (None, "fail"),
        (["CMD", "/app", "-health"], "pass"),
        (["CMD-SHELL", "/app -health"], "pass"),
        (["NONE"], "pass"),
    ],
)
def test_health_on_an_os(test: list[str] | None, expected: str, tmp_path: Path) -> None:
    config: dict[str, Any] = {"Entrypoint": ["/app"], **({"Healthcheck": {"Test": test}} if test else {})}
    assert status(audited(tmp_path, [RELEASE, SHELL], [APP], config=config), "IA707") == expected


def test_a_healthcheck_that_can_never_run(tmp_path: Path) -> None:
    config = {"Entrypoint": ["/app"], "Healthcheck": {"Test": ["CMD-SHELL", "wget -q localhost"]}}
    (finding,) = findings(audited(tmp_path, [APP], config=config), "IA707")
    assert (finding.severity, "it fails each time" in finding.message) == ("medium", True)
    assert status(audited(tmp_path, [RELEASE, SHELL], [APP]), "IA707") == "not_applicable"  # nothing to start


@pytest.mark.parametrize(
    ("test", "lacks"),
    [
        (["CMD-SHELL", "curl -f http://localhost:8080/ || exit 1"], "curl"),
        (["CMD-SHELL", " /usr/bin/wget -q localhost"], "/usr/bin/wget"),
        (["CMD", "curl", "localhost"], "curl"),
        (["CMD", "/tmp/air/server"], None),
        (["CMD", "./healthy"], None),
        (["CMD-SHELL", "tool -x"], None),  # found by PATH
        (["CMD-SHELL", "test -f /ready"], None),  # the shell's own
        (["CMD-SHELL", "if curl localhost; then true; fi"], None),
        (["CMD-SHELL", "URL=x curl $URL"], None),  # the words do not tell
        (["CMD-SHELL", '"$APP" -health'], None),
        (["CMD", ""], None),
        (["CMD-SHELL", "curl localhost && true"], "curl"),
        (["CMD-SHELL", "curl localhost || false"], "curl"),
        (["CMD-SHELL", "curl localhost || tool -x"], None),  # what follows may make up for it
        (["CMD-SHELL", "curl localhost || exit 0"], None),
        (["CMD-SHELL", "curl localhost; tool -x"], None),
        (["CMD-SHELL", "probe () { tool -x; }; probe"], None),
        (["CMD-SHELL", "nc -z localhost 80"], None),  # this sh may be BusyBox's, which has it in itself
        (["CMD", "probe"], None),  # /opt/bin may be mounted
    ],
)
def test_a_healthcheck_that_calls_what_is_not_there(test: list[str], lacks: str | None, tmp_path: Path) -> None:
    config = {
        "Entrypoint": ["/srv/app"],
        "WorkingDir": "/srv",
        "Env": ["PATH=/bin:/opt/bin"],
        "Healthcheck": {"Test": test},
    }
    entries = [RELEASE, SHELL, file("/srv/app", "x", mode=0o755), file("/opt/bin/tool", "x", mode=0o755)]
    found = findings(audited(tmp_path, entries, config=config), "IA707")
    assert [finding.severity for finding in found] == (["medium"] if lacks else [])
    assert not lacks or f"calls {lacks}, which the image does not hold" in found[0].message


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "fail"),
        ({"Env": ["PATH=/bin:/sbin"]}, "fail"),
        ({"Env": ["PATH=/bin", "PATH=/opt/bin"]}, "pass"),  # the last one counts
        ({"Env": ["PATH=:/bin"]}, "pass"),  # the working directory, too
        ({"Volumes": {"/usr/local/bin": {}}}, "pass"),
        ({"Healthcheck": {"Test": ["CMD", "/usr/bin/linked"]}}, "pass"),  # the link's target may be mounted
        ({"Healthcheck": {"Test": ["CMD", "/usr/bin/unlinked"]}}, "fail"),
        ({"Healthcheck": {"Test": ["CMD-SHELL", "probe"]}}, "fail"),
        ({"Healthcheck": {"Test": ["CMD-SHELL", "probe"]}, "Shell": ["/opt/bin/fish", "-c"]}, "pass"),
    ],
)
def test_where_a_healthcheck_s_program_may_come_from(more: dict[str, Any], expected: str, tmp_path: Path) -> None:
    config = {"Entrypoint": ["/app"], "Healthcheck": {"Test": ["CMD", "probe"]}, **more}
    entries = [RELEASE, SHELL, APP, file("/opt/bin/probe", "x", mode=0o755), symlink("/usr/bin/linked", "/data/probe")]
    assert status(audited(tmp_path, entries, config=config), "IA707") == expected


def test_a_busybox_shell_may_have_the_program_in_itself(tmp_path: Path) -> None:
    config = {"Entrypoint": ["/app"], "Healthcheck": {"Test": ["CMD-SHELL", "wget -q localhost"]}}
    shell = [file("/bin/busybox", "x", mode=0o755), symlink("/bin/sh", "/bin/busybox")]
    assert status(audited(tmp_path, [RELEASE, *shell, APP], config=config), "IA707") == "pass"
    config["Healthcheck"] = {"Test": ["CMD-SHELL", "curl localhost"]}
    assert status(audited(tmp_path, [RELEASE, *shell, APP], config=config), "IA707") == "fail"


@pytest.mark.parametrize(
    ("reference", "source", "expected"),
    [
        ("app", "docker", "fail"),
        ("docker:app:latest", "docker", "fail"),
        ("docker-daemon:app", "docker", "fail"),
        ("registry.example.org:5000/team/app", "registry", "fail"),
        ("registry.example.org:5000/team/app:1.0", "registry", "pass"),
        ("podman:app:1.0", "podman", "pass"),
        ("app@sha256:" + "0" * 64, "registry", "pass"),
        ("docker:" + "0" * 64, "docker", "pass"),
        ("/tmp/app.tar", "docker-archive", "not_applicable"),
    ],
)
def test_the_tag_that_was_asked_for(reference: str, source: str, expected: str) -> None:
    image = reports.image("x", (reports.layer(0, "x", 10),), {"go code": 10}, reference=reference, source=source)
    assert outcome(image, "IA708").status == expected


def outcome(image: model.Image, id_: str, *steps: HistoryTrace) -> model.Check:
    subject = Subject(image, Traces(files=(), accounts=(), groups=(), history=steps))
    _, (found,) = run_checks(subject, [check for check in CHECKS if check.rule.id == id_])
    return found


@pytest.mark.parametrize("id_", ["IA705", "IA709", "IA710", "IA711"])
def test_without_a_history_no_step_passes(id_: str) -> None:
    image = reports.image("x", (reports.layer(0, "x", 10),), {"go code": 10})
    assert outcome(image, id_).status == "skipped"
    assert outcome(image, id_, HistoryTrace(text="COPY . .", layer=0, from_base=False)).status == "pass"


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("RUN /bin/sh -c apk add --no-cache curl # buildkit", [["apk", "add", "--no-cache", "curl"]]),
        ("/bin/sh -c set -ex; apt-get update", [["set", "-ex"], ["apt-get", "update"]]),
        (
            "RUN |2 A=1 B=a b /bin/sh -c apt-get update && sudo make # buildkit",
            [["apt-get", "update"], ["sudo", "make"]],
        ),
        ("RUN /bin/bash -eo pipefail -c FOO=1 /usr/bin/sudo id | tee x # buildkit", [["sudo", "id"], ["tee", "x"]]),
        ("RUN apt-get update", [["apt-get", "update"]]),  # kaniko
        ("RUN /bin/sh -c echo 'a && sudo b' \"; sudo c\" # buildkit", [["echo", "''", "''"]]),
        ("RUN /bin/sh -c a # don't\nsudo b # it's # buildkit", [["a"], ["sudo", "b"]]),
        ("RUN /bin/sh -c echo ${x#sudo } a#b '# c' # buildkit", [["echo", "$"], ["x#sudo"], ["a#b", "''"]]),
        (
            "RUN /bin/sh -c cat > up <<'EOT' && b\nsudo c\nEOT\nd\n # buildkit",
            [["cat", ">", "up", "<<''"], ["b"], ["d"]],
        ),
        ("RUN /bin/sh -c cat <<A <<-B >f\nsudo a\nA\nB it's\n\tB # buildkit", [["cat", "<<A", "<<-B", ">f"]]),
        ("RUN /bin/sh -c bash <<EOT\nsudo c\nEOT # buildkit", [["bash", "<<EOT"], ["sudo", "c"], ["EOT"]]),
        (
            "RUN /bin/sh -c cat <<<EOT\na $((1<<b))\nsudo c # buildkit",
            [["cat", "<<<EOT"], ["a", "$"], ["1<<b"], ["sudo", "c"]],
        ),
        ('/bin/sh -c #(nop)  CMD ["sudo"]', []),
        ("COPY sudo /bin/sh # buildkit", []),
        ('CMD ["sudo"]', []),
        ("RUN", []),
    ],
)
def test_commands_of_a_step(step: str, words: list[list[str]]) -> None:
    assert list(commands(step)) == words


@pytest.mark.parametrize(
    ("id_", "step", "expected"),
    [
        ("IA709", "RUN /bin/sh -c sudo make install # buildkit", "fail"),
        ("IA709", "RUN /bin/sh -c make && sudo make install # buildkit", "fail"),
        ("IA709", "RUN /bin/sh -c echo sudo; command -v sudo; rm -f /etc/sudoers # buildkit", "pass"),
        ("IA710", "RUN /bin/sh -c apt-get update && apt-get -y dist-upgrade # buildkit", "fail"),
        ("IA710", "RUN /bin/sh -c apt full-upgrade -y # buildkit", "fail"),
        ("IA710", "RUN /bin/sh -c apt-get update && apt-get upgrade -y # buildkit", "pass"),
        ("IA711", "RUN /bin/sh -c apt-get update # buildkit", "fail"),
        ("IA711", "RUN /bin/sh -c set -e; apk update && rm -rf /var/cache/apk/* # buildkit", "fail"),
        ("IA711", "RUN /bin/sh -c apt-get update && apt-get install -y curl # buildkit", "pass"),
        ("IA711", "RUN /bin/sh -c apk update && apk upgrade # buildkit", "pass"),
        ("IA711", "RUN /bin/sh -c apt-get update && ./install.sh # buildkit", "pass"),
        ("IA711", "RUN /bin/sh -c git submodule update # buildkit", "pass"),
        ("IA711", "RUN /bin/sh -c apt-get update # don't\napt-get install -y x # it's all\n # buildkit", "pass"),
        ("IA711", "RUN /bin/sh -c # fresh lists\napt-get update\n # buildkit", "fail"),
        ("IA709", "RUN /bin/sh -c cat > /up <<EOT\nsudo reboot\nEOT # buildkit", "pass"),
        # Steps that dockle finds fault with, and wrongly so.
        ("IA711", "RUN /bin/sh -c apk add libcrypto3=3.1 # buildkit", "pass"),
        ("IA710", "RUN /bin/sh -c apk add libcrypto3=3.1 # buildkit", "pass"),
    ],
)
def test_steps(id_: str, step: str, expected: str, tmp_path: Path) -> None:
    assert status(made_by(tmp_path, step), id_) == expected


def test_steps_of_the_base_are_not_held_against_the_image(tmp_path: Path) -> None:
    base = HistoryTrace(text="RUN /bin/sh -c apt-get update && sudo apt-get dist-upgrade", layer=0, from_base=True)
    own = msgspec.structs.replace(base, from_base=None)
    image = reports.image("x", (reports.layer(0, "x", 10),), {"go code": 10})
    for id_ in ("IA709", "IA710"):
        assert outcome(image, id_, base).status == "pass"
        assert outcome(image, id_, own).status == "fail"
        assert outcome(image, id_).status == "skipped"


def test_sudo_among_the_packages() -> None:
    package = model.Package(type="apk", name="sudo", version="1", arch=None, purl="pkg:apk/alpine/sudo@1", size=1)
    image = reports.image("x", (reports.layer(0, "x", 10),), {"go code": 10}, packages=(package,))
    assert outcome(image, "IA709").status == "fail"


def test_what_dockle_gets_wrong_is_silent(tmp_path: Path) -> None:
    """Wolfi's apk without --no-cache, a settings.py, a pinned libcrypto3: nothing that IA4 or IA7 would tell."""
    wolfi = file("/etc/os-release", 'ID=wolfi\nVERSION_ID=20230201\nPRETTY_NAME="Wolfi"\n')
    layers = [
        Layer.of(wolfi, SHELL, file("/usr/bin/apk", "x", mode=0o755), created_by="apko"),
        Layer.of(file("/usr/lib/python3.12/site-packages/django/conf/settings.py", "x"), created_by="COPY . ."),
        Layer.of(file("/usr/lib/libcrypto.so.3", "x"), created_by="RUN /bin/sh -c apk add libcrypto3=3.1 # buildkit"),
    ]
    config = {"Healthcheck": {"Test": ["NONE"]}}
    path = docker_archive(tmp_path / "w.tar", Image(layers, config=config))
    (image,) = audit(f"app=docker-archive:{path}")
    told = {finding.id for finding in image.findings if finding.id.startswith(("IA4", "IA7"))}
    assert told == {"IA702"}


@pytest.mark.parametrize("part", ['\\"', "'\"", "A=1 ", "a", "&&", "sudo ", "/bin/sh ", "http://"])
@pytest.mark.parametrize("start", ["RUN /bin/sh -c ", "RUN |1 ", "ADD "])
def test_a_history_that_was_made_to_take_long(start: str, part: str) -> None:
    """A step of 400,000 characters: quadratic search would take minutes."""
    step = HistoryTrace(text=start + part * (400_000 // len(part)), layer=None, from_base=None)
    image = reports.image("x", (reports.layer(0, "x", 10),), {"go code": 10})
    begun = time.process_time()
    for id_ in ("IA705", "IA709", "IA710", "IA711"):
        outcome(image, id_, step)
    assert time.process_time() - begun < 5


def test_a_step_that_is_there_twice_is_told_once(tmp_path: Path) -> None:
    image = made_by(tmp_path, *["RUN /bin/sh -c apt-get update # buildkit"] * 2)
    assert [finding.layer for finding in findings(image, "IA711")] == [1]
