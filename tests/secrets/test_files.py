"""Files that hold credentials by name: with one in them they are told, without one they are not."""

import base64

import pytest

from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.secrets.collect import SecretCollector
from imgaudit.secrets.files import BY_ENDING, BY_NAME, credential_files
from imgaudit.secrets.interface import Hit, Search
from tests.secrets.planted import drawn, putty

S = drawn(20)
BASIC = base64.b64encode(b"robot:" + S.encode()).decode()

HOLDS: list[tuple[str, bytes | str, str, int]] = [
    ("/root/.netrc", f"machine api.example.com login me password {S}\n", "netrc", 1),
    ("/root/.npmrc", f"registry=https://r.example.com/\n//r.example.com/:_authToken={S}\n", "npmrc", 2),
    ("/app/.yarnrc.yml", f"npmRegistryServer: x\nnpmAuthToken: {S}\n", "yarnrc", 2),
    ("/root/.pypirc", f"[pypi]\nusername = __token__\npassword = {S}\n", "pypirc", 3),
    ("/root/.git-credentials", f"https://me:{S}@git.example.com\n", "git-credentials", 1),
    ("/root/.pgpass", f"# c\ndb:5432:app:me:{S}\n", "pgpass", 2),
    ("/root/.my.cnf", f"[client]\npassword={S}\n", "my-cnf", 2),
    ("/root/.docker/config.json", f'{{"auths": {{"r.example.com": {{"auth": "{BASIC}"}}}}}}', "docker-config", 1),
    ("/kaniko/.docker/config.json", f'{{"auths": {{"r": {{"identitytoken": "{S}"}}}}}}', "docker-config", 1),
    ("/root/.dockercfg", f'{{"r.example.com": {{"auth": "{BASIC}"}}}}', "docker-config", 1),
    ("/root/.aws/credentials", f"[default]\naws_secret_access_key = {S}{S}aB\n", "aws-credentials", 2),
    ("/root/.cargo/credentials.toml", f'[registry]\ntoken = "{S}"\n', "cargo-credentials", 2),
    ("/root/.gem/credentials", f"---\n:rubygems_api_key: rubygems_{S}\n", "gem-credentials", 2),
    ("/root/.kube/config", f"users:\n- name: me\n  user:\n    token: {S}\n", "kubeconfig", 4),
    ("/etc/kubernetes/admin.conf", f"users:\n- user:\n    client-key-data: {S}{S}\n", "kubeconfig", 3),
    ("/var/run/secrets/kubernetes.io/serviceaccount/token", f"eyJ{S}.eyJ{S}.{S}", "service-account-token", 1),
    ("/root/.vault-token", f"hvs.{S}", "vault-token-file", 1),
    ("/root/.config/gh/hosts.yml", f"github.com:\n    oauth_token: gho_{S}{S}\n", "gh-hosts", 2),
    ("/root/.terraformrc", f'credentials "app.terraform.io" {{\n  token = "{S}"\n}}\n', "terraform-credentials", 2),
    ("/app/terraform.tfstate", f'{{"terraform_version": "1.9.0",\n"master_password": "{S}"}}', "terraform-state", 2),
    ("/x/application_default_credentials.json", f'{{\n"refresh_token": "{S}"}}', "gcloud-credentials", 2),
    ("/root/.m2/settings.xml", f"<server>\n<password>{S}</password></server>", "maven-settings", 2),
    ("/root/.composer/auth.json", f'{{"github-oauth": {{"github.com": "{S}"}}}}', "composer-auth", 1),
    ("/root/.s3cfg", f"[default]\nsecret_key = {S}\n", "s3cfg", 2),
    ("/etc/nginx/.htpasswd", "me:$apr1$" + drawn(8) + "$" + drawn(22) + "\n", "htpasswd", 1),
    ("/app/.env", f"PORT=80\nexport DB_PASSWORD='{S}'\n", "dotenv", 2),
    ("/app/.env.production", f"API_KEY={S}\n", "dotenv", 1),
    ("/app/prod.env", f"API_KEY={S}\n", "dotenv", 1),
    ("/app/prod.tfvars", f'region = "x"\ndb_password = "{S}"\n', "tfvars", 2),
    ("/app/prod.tfstate", f'{{"terraform_version": "1.9.0",\n"master_password": "{S}"}}', "terraform-state", 2),
    ("/run/containers/0/auth.json", f'{{"auths": {{"r": {{"auth": "{BASIC}"}}}}}}', "registry-auths", 1),
    ("/app/.dockerconfigjson", f'{{"auths": {{"r": {{"auth": "{BASIC}"}}}}}}', "registry-auths", 1),
    ("/etc/shadow", "bin:*:1:0:::::\nroot:$6$salt$" + drawn(86) + ":19000:0:99999:7:::\n", "shadow", 2),
    ("/etc/shadow-", "a:!:1::::::\nroot:$y$j9T$" + drawn(22) + "$" + drawn(43) + ":19000:0:99999:7:::\n", "shadow", 2),
    ("/root/.nuget/NuGet/NuGet.Config", f'<x>\n<add key="ClearTextPassword" value="{S}" />', "nuget-config", 2),
    ("/root/me.ppk", putty(), "putty-key", 1),
    ("/app/.env.utf16", f"A=1\r\nAPI_KEY={S}\r\n".encode("utf-16"), "dotenv", 2),
    ("/app/.env.mac", f"A=1\rAPI_KEY={S}\r", "dotenv", 2),
    ("/app/tls.p12", b"\x30\x82\x01\x00" + bytes(20), "pkcs12", 1),
    ("/app/tls.jks", b"\xfe\xed\xfe\xed" + bytes(20), "java-keystore", 1),
    ("/app/team.kdbx", b"\x03\xd9\xa2\x9a" + bytes(20), "keepass", 1),
]
HOLDS_NONE = [
    ("/root/.netrc", "machine api.example.com login me\n"),
    ("/root/.npmrc", "registry=https://r.example.com/\n"),
    ("/root/.npmrc", "//r.example.com/:_authToken=${NPM_TOKEN}\n"),
    ("/root/.pypirc", "[distutils]\nindex-servers = pypi\n"),
    ("/root/.pgpass", "db:5432:app:me:your-password\n"),
    ("/root/.docker/config.json", '{"credsStore": "desktop", "auths": {"r.example.com": {}}}'),
    ("/root/.docker/config.json", '{"auths": {"r.example.com": {"auth": "xxxxxxxx"}}}'),
    ("/app/config.json", f'{{"auth": "{BASIC}"}}'),  # not docker's
    ("/root/.kube/config", "users:\n- name: me\n  user:\n    exec: {command: aws}\n"),
    ("/root/.aws/credentials", "[default]\ncredential_process = /bin/x\n"),
    ("/app/terraform.tfstate", '{"terraform_version": "1.9.0", "bucket": "b"}'),
    ("/app/config.json", '{"auths": {}}'),
    ("/app/prod.tfstate", f'{{"master_password": "{S}"}}'),
    ("/etc/shadow", "root:*:1:0:::::\nme:!$6$salt$" + drawn(86) + ":1:0:::::\nx::1:::::: \n"),
    ("/app/shadow", "root:$6$salt$" + drawn(86) + ":19000:0:99999:7:::\n"),
    ("/root/NuGet.Config", '<add key="ClearTextPassword" value="%NUGET%" />'),
    ("/root/me.ppk", putty().replace("none", "aes256-cbc")),
    ("/app/.env", "PORT=80\nDB_PASSWORD=\nDB_PASSWORD_FILE=/run/secrets/db\nAPI_KEY=changeme\n"),
    ("/app/.env.example", f"API_KEY={S}\n"),
    ("/app/.envoy", f"API_KEY={S}\n"),
    ("/app/environment", f"API_KEY={S}\n"),
    ("/app/tls.p12", b"not a store"),
    ("/etc/ssl/certs/java/cacerts", b"\xfe\xed\xfe\xed" + bytes(20)),
    ("/root/.m2/settings.xml", "<password>${env.PASSWORD}</password>"),
    ("/root/.m2/settings.xml", "<password>{COQLCE6DU6GtcS5P=}</password>"),  # encrypted
]


def hits(path: str, data: bytes | str) -> tuple[Hit, ...]:
    content = data.encode() if isinstance(data, str) else data
    collector = SecretCollector(Search(), DEFAULT_LIMITS)
    if collector.wants(path, len(content), content[:64]):
        collector.collect(path, memoryview(content))
    return collector.contents.hits


@pytest.mark.parametrize(("path", "data", "rule", "line"), HOLDS, ids=lambda value: str(value)[:30])
def test_a_credential_is_told_with_its_line(path: str, data: bytes | str, rule: str, line: int) -> None:
    (hit,) = hits(path, data)
    assert (hit.rule, hit.path, hit.line, hit.named) == (rule, path, line, True)


@pytest.mark.parametrize(("path", "data"), HOLDS_NONE, ids=lambda value: str(value)[:30])
def test_a_name_alone_proves_nothing(path: str, data: bytes | str) -> None:
    assert hits(path, data) == ()


def test_every_kind_of_file_is_held() -> None:
    kinds = {kind.id for kinds in BY_NAME.values() for kind in kinds} | {kind.id for kind in BY_ENDING.values()}
    assert kinds | {"dotenv"} == {rule for _, _, rule, _ in HOLDS}


def test_ordinary_names_are_none() -> None:
    for path in ("/", "/app", "/etc/passwd", "/app/main.go", "/a/credentials", "/a.b/config", "/app/.envrc.d/x"):
        assert credential_files(path) == ()
