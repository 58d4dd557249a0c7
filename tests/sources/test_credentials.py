"""Docker's config.json, credential helpers and podman's auth files."""

import base64
import json
import pathlib
from typing import Any

import pytest

from imgaudit.errors import ImgauditError, SourceError, UsageError
from imgaudit.sources import credentials
from imgaudit.sources.credentials import Credentials, find_credentials


class Home:
    """A home folder, its files and helpers, and what was said."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self.said = folder, list[str]()
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.environ = {
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "PATH": f"{self.bin}:/usr/bin:/bin",
        }

    def write(self, name: str, document: Any) -> pathlib.Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    def helper(self, name: str, script: str) -> None:
        path = self.bin / f"docker-credential-{name}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def find(self, registry: str = "ghcr.io", repository: str = "team/app") -> Credentials | None:
        return find_credentials(registry, repository, talk=self.said.append, environ=self.environ)

    def user(self, registry: str = "ghcr.io", repository: str = "team/app") -> str | None:
        found = self.find(registry, repository)
        return found.username if found else None


@pytest.fixture
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(tmp_path)
    monkeypatch.setenv("PATH", made.environ["PATH"])
    return made


def auth(user: str, password: str = "s3cret") -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_nothing_anywhere(home: Home) -> None:
    assert home.find() is None


def test_config_json(home: Home) -> None:
    path = home.write(".docker/config.json", {"auths": {"ghcr.io": auth("me", "pass:wörd")}})
    assert home.find() == Credentials(str(path), "me", "pass:wörd")
    assert home.find("quay.io") is None


def test_docker_config_folder(home: Home) -> None:
    home.write(".docker/config.json", {"auths": {"ghcr.io": auth("home")}})
    home.write("other/config.json", {"auths": {"ghcr.io": auth("other")}})
    home.environ["DOCKER_CONFIG"] = str(home.folder / "other")
    assert home.user() == "other"


@pytest.mark.parametrize(
    "key",
    ["ghcr.io", "https://ghcr.io", "https://ghcr.io/", "https://ghcr.io/v1/", "http://ghcr.io/v2/", "ghcr.io/v2/"],
)
def test_keys_of_a_host(home: Home, key: str) -> None:
    home.write(".docker/config.json", {"auths": {key: auth("me")}})
    assert home.user() == "me"


@pytest.mark.parametrize("key", ["ghcr.io.evil.example", "evil.example/ghcr.io", "ghcr", "ghcr.io:443", "GHCR.IO@x"])
def test_keys_of_others(home: Home, key: str) -> None:
    home.write(".docker/config.json", {"auths": {key: auth("me")}})
    assert home.find() is None


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "registry-1.docker.io", "index.docker.io"])
def test_docker_hub(home: Home, key: str) -> None:
    home.write(".docker/config.json", {"auths": {key: auth("me")}})
    assert home.user("docker.io", "library/alpine") == "me"


def test_podman_namespaces(home: Home) -> None:
    entries = {"ghcr.io": auth("host"), "ghcr.io/team": auth("team"), "ghcr.io/team/app": auth("app")}
    home.write("run/containers/auth.json", {"auths": entries})
    assert home.user("ghcr.io", "team/app") == "app"
    assert home.user("ghcr.io", "team/app/more") == "app"
    assert home.user("ghcr.io", "team/other") == "team"
    assert home.user("ghcr.io", "teams/app") == "host"


def test_order_of_files(home: Home) -> None:
    home.write(".config/containers/auth.json", {"auths": {"ghcr.io": auth("config")}})
    assert home.user() == "config"
    home.write("run/containers/auth.json", {"auths": {"ghcr.io": auth("run")}})
    assert home.user() == "run"
    home.write(".docker/config.json", {"auths": {"ghcr.io": auth("docker")}})
    assert home.user() == "docker"
    home.environ["REGISTRY_AUTH_FILE"] = str(home.write("named.json", {"auths": {"ghcr.io": auth("named")}}))
    assert home.user() == "named"
    assert home.user("quay.io") is None


def test_tokens(home: Home) -> None:
    entry = {**auth("00000000-0000-0000-0000-000000000000", ""), "identitytoken": "refresh"}
    path = home.write(".docker/config.json", {"auths": {"ghcr.io": entry, "quay.io": {"registrytoken": "bearer"}}})
    found = home.find()
    assert found is not None
    assert found.identity_token == "refresh"
    assert home.find("quay.io") == Credentials(str(path), registry_token="bearer")


def test_plain_username_and_password(home: Home) -> None:
    home.write(".docker/config.json", {"auths": {"ghcr.io": {"username": "me", "password": "s3cret"}}})
    assert home.user() == "me"


GET = 'read server; printf \'{"ServerURL":"%s","Username":"me","Secret":"got %s"}\' "$server" "$server"'


def test_cred_helper(home: Home) -> None:
    home.helper("good_one-2", GET)
    home.write(".docker/config.json", {"credHelpers": {"ghcr.io": "good_one-2"}, "auths": {"ghcr.io": auth("file")}})
    assert home.find() == Credentials("docker-credential-good_one-2", "me", "got ghcr.io")
    assert home.find("quay.io") is None


def test_creds_store_and_docker_hubs_name(home: Home) -> None:
    home.helper("store", GET)
    home.write(".docker/config.json", {"credsStore": "store", "auths": {"ghcr.io": {}}})
    assert home.user() == "me"
    found = home.find("docker.io", "library/alpine")
    assert found is not None
    assert found.password == "got https://index.docker.io/v1/"


def test_helper_of_an_identity_token(home: Home) -> None:
    home.helper("store", """echo '{"Username":"<token>","Secret":"refresh"}'""")
    home.write(".docker/config.json", {"credsStore": "store"})
    assert home.find() == Credentials("docker-credential-store", identity_token="refresh")


def test_helper_that_knows_nothing_falls_back_to_the_file(home: Home) -> None:
    home.helper("store", "echo credentials not found in native keychain; exit 1")
    home.write(".docker/config.json", {"credsStore": "store", "auths": {"ghcr.io": auth("file")}})
    assert home.user() == "file"
    assert home.said == []


@pytest.mark.parametrize("script", ["echo s3cret >&2; echo s3cret; exit 3", None])
def test_helper_that_fails_is_told(home: Home, script: str | None) -> None:
    if script:
        home.helper("store", script)
    home.write(".docker/config.json", {"credsStore": "store"})
    assert home.find() is None
    assert len(home.said) == 1
    assert "docker-credential-store" in home.said[0]
    assert "s3cret" not in home.said[0]


@pytest.mark.parametrize(
    "answer", ["", "s3cret", "[]", '{"Username":"me"}', '{"Username":1,"Secret":"s3cret"}', "[" * 9999]
)
def test_helper_that_answers_nonsense(home: Home, answer: str) -> None:
    (home.folder / "answer").write_text(answer)
    home.helper("store", f"cat {home.folder}/answer")
    home.write(".docker/config.json", {"credsStore": "store"})
    with pytest.raises(SourceError) as caught:
        home.find()
    assert "s3cret" not in str(caught.value)


def test_helper_that_hangs_is_ended_with_its_children(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "HELPER_SECONDS", 0.1)
    home.helper("store", "sleep 60 & sleep 60")
    home.write(".docker/config.json", {"credsStore": "store"})
    with pytest.raises(SourceError, match="did not answer"):
        home.find()


@pytest.mark.parametrize("name", ["../evil", "a b", "x;touch y", "$(id)", "a/b", "a\n", "ä", "-", ".", "a.b", 7, ["x"]])
def test_hostile_helper_names_are_not_run(home: Home, name: object) -> None:
    ran = home.folder / "ran"
    home.helper("evil", f"touch {ran}")
    (home.folder / "evil").write_text(f"#!/bin/sh\ntouch {ran}\n")
    if name == "-":
        pytest.skip("a dash is an odd but allowed name")
    for config in ({"credsStore": name}, {"credHelpers": {"ghcr.io": name}}):
        home.write(".docker/config.json", config)
        with pytest.raises(UsageError, match="credential helper"):
            home.find()
    assert not ran.exists()
    assert not list(home.folder.glob("y"))


@pytest.mark.parametrize(
    "document",
    ["{", "[]", "7", '{"auths": []}', '{"credHelpers": 7}', '{"auths": {"ghcr.io": {"auth": "s3cret!"}}}', "s3cret",
     '{"auths": {"ghcr.io": {"auth": "/////w=="}}}', '{"s3cret": 1, "s3cret": 2}'],
    ids=lambda document: str(len(document)),
)  # fmt: skip
def test_broken_files(home: Home, document: str) -> None:
    path = home.write(".docker/config.json", document)
    with pytest.raises(UsageError) as caught:
        home.find()
    assert str(path) in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{}",
        '{"auths": {}}',
        '{"auths": null}',
        '{"auths": {"ghcr.io": {}}}',
        '{"auths": {"ghcr.io": null}}',
        '{"auths": {"ghcr.io": {"auth": ""}}}',
    ],
)
def test_empty_files(home: Home, document: str) -> None:
    home.write(".docker/config.json", document)
    assert home.find() is None


def test_a_folder_for_a_file(home: Home) -> None:
    (home.folder / ".docker" / "config.json").mkdir(parents=True)
    with pytest.raises(UsageError, match="can't be read"):
        home.find()


def test_secrets_stay_out_of_repr() -> None:
    found = Credentials("file", "me", "s3cret", "s3cret", "s3cret")
    assert repr(found) == "Credentials(origin='file')"
    assert "s3cret" not in f"{found} {found!r}"
    assert isinstance(ImgauditError("x"), Exception)


def test_basic_header() -> None:
    assert Credentials("", "Aladdin", "open sesame").basic() == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
