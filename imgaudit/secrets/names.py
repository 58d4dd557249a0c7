"""Whether a name says that its value is a secret, and whether a value can be one. Nothing is guessed from entropy."""

import itertools
import re

# Words of a name that make its value a secret. A pair counts where its words stand next to each other.
_SECRET_WORDS = frozenset(
    ("PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "APIKEY", "CREDENTIAL", "CREDENTIALS")
)
_SECRET_LAST = frozenset(("PASS", "PWD", "PASSWORDS", "SECRETS", "TOKENS"))
_KEYS = frozenset((
    "API", "ACCESS", "PRIVATE", "SECRET", "ENCRYPTION", "ENCRYPT", "SIGNING", "MASTER", "AUTH", "SESSION", "LICENSE",
    "STORAGE", "ACCOUNT", "HMAC", "JWT", "DEPLOY", "SSH",
))  # fmt: skip
# A name that ends in one of these says where the secret is, or something about it, not what it is.
_HARMLESS_LAST = frozenset((
    "FILE", "FILES", "PATH", "DIR", "DIRECTORY", "FOLDER", "LOCATION", "URL", "URI", "ENDPOINT", "HOST", "NAME", "TYPE",
    "TTL", "EXPIRY", "EXPIRATION", "EXPIRES", "LIFETIME", "TIMEOUT", "AGE", "LENGTH", "LEN", "SIZE", "LIMIT", "COUNT",
    "ISSUER", "AUDIENCE", "HEADER", "FIELD", "PREFIX", "SUFFIX", "FORMAT", "POLICY", "ENABLED", "DISABLED", "REQUIRED",
    "ALGORITHM", "VERSION", "STDIN", "ID", "IDS", "MOUNT", "PROVIDER", "STORE", "MANAGER", "ARN", "REF", "PARALLELISM",
    "REGION",
))  # fmt: skip
_HARMLESS_NAMES = frozenset(("PWD", "OLDPWD"))
GATE = re.compile(r"(?i)pass|pwd|secret|token|key|credential")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORDS = re.compile(r"[^A-Za-z0-9]+")
_HARMLESS_VALUE = re.compile(
    r"(?i)true|false|yes|no|on|off|none|null|nil|0|1|\*+|<[^>]*>|\[redacted\]"
    r"|\$\w+|\$\{\w+\}|\$\([^)]*\)|`[^`]*`"  # a reference, not the value; `${NAME:-value}` would hold one
    r"|id=[\w.,=/-]*"  # a build secret's id
    r"|/(?:run|var|etc|opt|app|home|root|secrets|tmp|usr|mnt|data|vault|config|certs?|keys?)/[\w./-]*"  # a file
)


def is_secret_name(name: str) -> bool:
    """Whether a variable, flag or label of this name holds a secret; `main.apiKey`, `--api-key` count like API_KEY."""
    if not GATE.search(name):
        return False
    name = name[-256:].rpartition("/")[2]
    words = [word.upper() for word in _WORDS.split(_CAMEL.sub("_", name)) if word]
    if not words or "_".join(words) in _HARMLESS_NAMES:
        return False
    last = words[-1]
    if (last in _HARMLESS_LAST and words[-2:] != ["SECRET", "ID"]) or words[0] in ("MAX", "MIN", "NUM"):
        return False
    if last in _SECRET_LAST:
        return True
    if not _SECRET_WORDS.isdisjoint(words):
        return True
    return any(word in _KEYS and after in ("KEY", "KEYS") for word, after in itertools.pairwise(words))


def may_be_secret(value: str) -> bool:
    """False for what is empty, a switch, a reference to a variable, a file or a build secret."""
    return bool(value) and not _HARMLESS_VALUE.fullmatch(value)
