"""Files that hold credentials by their name, and what in them makes it so: the name alone proves nothing.

An `.npmrc` may only name a registry, an `.env` only a port. Each kind has a test of its content.
"""

import dataclasses
import re
from collections.abc import Callable

from imgaudit.model import Severity
from imgaudit.secrets.names import is_secret_name, may_be_secret
from imgaudit.secrets.structure import is_basic, is_placeholder

Test = Callable[[bytes], int | None]
"""The offset of what makes it a credential, None where nothing does."""


@dataclasses.dataclass(frozen=True, slots=True)
class CredentialFile:
    """parent: the last folder has to be one of these; empty: any."""

    id: str
    what: str
    test: Test
    severity: Severity = "high"
    parent: tuple[str, ...] = ()


def _line(pattern: str) -> Test:
    """Where a line matches whose value is none that stands for another."""
    regex = re.compile(pattern.encode(), re.MULTILINE)

    def test(data: bytes) -> int | None:
        for match in regex.finditer(data):
            value = match["value"].strip(b"\"',;")
            if len(value) >= 4 and not _stands_for(value):
                return match.start()
        return None

    return test


def _stands_for(value: bytes) -> bool:
    return is_placeholder(value) or not may_be_secret(value.decode("utf-8", "replace"))


def _begins(*magics: bytes) -> Test:
    return lambda data: 0 if data.startswith(magics) else None


_DOCKER_AUTH = re.compile(rb'"auth"[ \t]{0,20}:[ \t]{0,20}"(?P<value>[A-Za-z0-9+/]{4,4096}={0,2})"')
_DOCKER_TOKEN = re.compile(rb'"(?:identitytoken|registrytoken)"[ \t]{0,20}:[ \t]{0,20}"[^"$<]{8,}"')
_SETTING = re.compile(
    rb"^[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.-]{0,100}+)[ \t]*=[ \t]*(?P<value>[^\r\n]{1,4096})", re.M
)
_TFVAR = re.compile(
    rb"^[ \t]*(?P<name>[A-Za-z_][\w-]{0,100}+)[ \t]*=[ \t]*(?P<value>\"[^\"\n]{1,4096}\")", re.MULTILINE
)
_STATE = re.compile(rb'"(?P<name>[\w-]{1,100})"[ \t]*:[ \t]*"(?P<value>[^"\n]{4,4096})"')


def _docker(data: bytes) -> int | None:
    for match in _DOCKER_AUTH.finditer(data):
        if is_basic(match["value"]):
            return match.start()
    token = _DOCKER_TOKEN.search(data)
    return token.start() if token else None


def _registries(data: bytes) -> int | None:
    """docker's config under a name that others give their files, too."""
    return _docker(data) if b'"auths"' in data else None


def _putty(data: bytes) -> int | None:
    return 0 if data.startswith(b"PuTTY-User-Key-File-") and b"\nEncryption: none" in data[:500] else None


def _settings(pattern: re.Pattern[bytes], head: bytes = b"") -> Test:
    """Where a name that says secret has a value that may be one."""

    def test(data: bytes) -> int | None:
        if head not in data:
            return None
        for match in pattern.finditer(data):
            value = match["value"].strip().strip(b"\"'")
            if len(value) >= 4 and is_secret_name(match["name"].decode()) and not _stands_for(value):
                return match.start()
        return None

    return test


_ENV = CredentialFile("dotenv", "an environment file with secrets", _settings(_SETTING), "medium")
_KEYSTORE = "a key store; whether its passphrase is a good one is not known"
_PKCS12 = CredentialFile("pkcs12", _KEYSTORE, _begins(b"\x30\x82", b"\x30\x83", b"\x30\x80"), "low")

BY_NAME: dict[str, tuple[CredentialFile, ...]] = {}


def _named(
    names: str, id_: str, what: str, test: str | Test, severity: Severity = "high", *, parent: tuple[str, ...] = ()
) -> None:
    """test: a pattern of a line, with the group `value`, or a function."""
    kind = CredentialFile(id_, what, _line(test) if isinstance(test, str) else test, severity, parent)
    for name in names.split():
        BY_NAME[name] = (*BY_NAME.get(name, ()), kind)


_STATE_WHAT = "secrets in a state of Terraform"
_KUBE = r"^[ \t]*(?:token|client-key-data|password):[ \t]*(?P<value>\S{6,16384})"
_CARGO = r"^token[ \t]*=[ \t]*(?P<value>\S{8,512})"

_named(".netrc _netrc", "netrc", "passwords of hosts", r"(?:^|[ \t])password[ \t]+(?P<value>\S{1,512})")
_named(
    ".npmrc",
    "npmrc",
    "a credential of an npm registry",
    r"^[^\s#;][^\n=]{0,300}?(?:_authToken|_auth|_password)[ \t]*=[ \t]*(?P<value>\S{1,2048})",
)
_named(
    ".yarnrc.yml",
    "yarnrc",
    "a credential of an npm registry",
    r"^[ \t]*npmAuth(?:Token|Ident):[ \t]*(?P<value>\S{1,2048})",
)
_named(".pypirc", "pypirc", "a credential of a Python index", r"^password[ \t]*[=:][ \t]*(?P<value>\S{1,2048})")
_named(
    ".git-credentials",
    "git-credentials",
    "passwords of git servers",
    r"^https?://[^:\s/]{0,256}:(?P<value>[^@\s/]{1,1024})@",
)
_named(
    ".pgpass pgpass.conf",
    "pgpass",
    "passwords of PostgreSQL",
    r"^[^#:\n]{1,256}:[^:\n]{1,9}:[^:\n]{1,128}:[^:\n]{1,128}:(?P<value>\S{1,512})",
)
_named(".my.cnf", "my-cnf", "a password of MySQL", r"^password[ \t]*=[ \t]*(?P<value>\S{1,512})")
_named(".dockercfg", "docker-config", "credentials of a registry", _docker)
_named("config.json", "docker-config", "credentials of a registry", _docker, parent=(".docker",))
_named(
    "config.json auth.json dockerconfig.json .dockerconfigjson",
    "registry-auths",
    "credentials of a registry",
    _registries,
)
_named(
    "credentials",
    "aws-credentials",
    "an AWS secret key",
    r"^aws_secret_access_key[ \t]*=[ \t]*(?P<value>\S{20,128})",
    parent=(".aws",),
)
_named("credentials credentials.toml", "cargo-credentials", "a token of a Rust registry", _CARGO, parent=(".cargo",))
_named(
    "credentials",
    "gem-credentials",
    "a key of RubyGems",
    r"^:\w{1,40}_key:[ \t]*(?P<value>\S{8,512})",
    parent=(".gem",),
)
_named("config", "kubeconfig", "credentials of a Kubernetes cluster", _KUBE, parent=(".kube",))
_named(
    "kubeconfig admin.conf kubeconfig.yaml kubeconfig.yml", "kubeconfig", "credentials of a Kubernetes cluster", _KUBE
)
_named(
    "token",
    "service-account-token",
    "the token of a Kubernetes service account",
    _begins(b"eyJ"),
    parent=("serviceaccount",),
)
_named(".vault-token", "vault-token-file", "a Vault token", _begins(b"hvs.", b"s."))
_named("hosts.yml", "gh-hosts", "a GitHub token", r"^[ \t]*oauth_token:[ \t]*(?P<value>\S{20,512})", parent=("gh",))
_named(
    ".terraformrc credentials.tfrc.json",
    "terraform-credentials",
    "a token of Terraform",
    r"\btoken\"?[ \t]*[=:][ \t]*\"(?P<value>[^\"\s]{14,512})\"",
)
_named("terraform.tfstate.backup", "terraform-state", _STATE_WHAT, _settings(_STATE, b'"terraform_version"'))
_named(
    "application_default_credentials.json",
    "gcloud-credentials",
    "credentials of Google Cloud",
    r"\"(?:refresh_token|private_key)\"[ \t]*:[ \t]*\"(?P<value>[^\"\n]{10,256})",
)
_named(
    "settings.xml",
    "maven-settings",
    "a password of a Maven server",
    r"<password>(?P<value>[^<\s{][^<\s]{1,512})</password>",
    parent=(".m2", "conf"),
)
_named(
    "auth.json",
    "composer-auth",
    "credentials of a Composer repository",
    r"\"(?:password|github\.com|token)\"[ \t]*:[ \t]*\"(?P<value>[^\"\n]{8,512})\"",
    parent=(".composer", "composer"),
)
_named(".s3cfg", "s3cfg", "an S3 secret key", r"^secret_key[ \t]*=[ \t]*(?P<value>\S{16,128})")
_named(
    ".htpasswd",
    "htpasswd",
    "password hashes of a web server",
    r"^[^:#\s]{1,128}:(?:\$(?:apr1|2[aby]|5|6)\$(?:[\w.=/]{1,40}\$){0,2}|\{SHA\})(?P<value>[\w./+=]{20,200})",
    "medium",
)
_named(
    "shadow shadow-",
    "shadow",
    "password hashes of accounts",
    r"^[^:#\s]{1,128}:\$(?:1|5|6|7|y|gy|2[abxy])\$(?:[\w.=/,-]{1,64}\$){0,3}(?P<value>[\w./]{20,200}):",
    "medium",
    parent=("etc",),
)
_named(
    "NuGet.Config nuget.config NuGet.config",
    "nuget-config",
    "a password of a NuGet source",
    r"key=\"ClearTextPassword\"[ \t]+value=\"(?P<value>[^\"\s%]{4,512})\"",
)

BY_ENDING: dict[str, CredentialFile] = {
    ".tfvars": CredentialFile("tfvars", "secrets among Terraform's variables", _settings(_TFVAR), "medium"),
    ".tfstate": CredentialFile("terraform-state", _STATE_WHAT, _settings(_STATE, b'"terraform_version"')),
    ".ppk": CredentialFile("putty-key", "a private key", _putty),
    ".p12": _PKCS12,
    ".pfx": _PKCS12,
    ".jks": CredentialFile("java-keystore", _KEYSTORE, _begins(b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"), "low"),
    ".kdbx": CredentialFile("keepass", "a password database", _begins(b"\x03\xd9\xa2\x9a"), "medium"),
}

_ENV_EXAMPLES = ("example", "sample", "template", "dist", "tmpl", "defaults")


# The last four characters of names that credential_files may know; it is asked for each file of an image.
_LAST = frozenset(ending[-4:] for ending in (*BY_ENDING, ".env"))


def may_be_credentials(path: str) -> bool:
    """A quick look: False where credential_files knows nothing."""
    name = path[path.rfind("/") + 1 :]
    return name in BY_NAME or name[-4:] in _LAST or name[:4] == ".env"


def credential_files(path: str) -> tuple[CredentialFile, ...]:
    """The kinds of credential files that a path names, most often none."""
    name = path[path.rfind("/") + 1 :]
    kinds = BY_NAME.get(name)
    if kinds is not None:
        parent = path[: -len(name) - 1].rpartition("/")[2]
        return tuple(kind for kind in kinds if not kind.parent or parent in kind.parent)
    if name.startswith(".env") and (len(name) == 4 or name[4] in ".-_") and not name.endswith(_ENV_EXAMPLES):
        return (_ENV,)
    if name.endswith(".env") and not name.startswith("example"):
        return (_ENV,)
    kind = BY_ENDING.get(name[name.rfind(".") :])
    return () if kind is None else (kind,)
