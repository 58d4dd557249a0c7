"""Secrets taken out of what a report shows: environment, labels, history, linker flags.

Two kinds of evidence: the name that a value is given (`DB_PASSWORD`), and the value itself (a precise rule).
Neither guesses from entropy: an ordinary value must stay readable. The name always stays; only the value goes.
All patterns take time linear in the text.
"""

import dataclasses
import itertools
import re
from collections.abc import Sequence

import msgspec

from imgaudit.model import EnvVar, GoInfo

REDACTED = "[redacted]"


@dataclasses.dataclass(frozen=True, slots=True)
class SecretRule:
    """The pattern is tried only where one of the literals stands in the text. Its group `secret` is what goes.

    It is compiled when it is first tried: most images never need it.
    """

    id: str
    literals: tuple[str, ...]
    pattern: str


def _rule(id_: str, literals: str, pattern: str) -> SecretRule:
    return SecretRule(id_, tuple(literals.split()), pattern)


# Token formats as their issuers document them. (?<![\w-]) keeps a run of word characters from being tried twice.
SECRET_RULES: tuple[SecretRule, ...] = (
    _rule("aws-access-key-id", "AKIA ASIA ABIA ACCA", r"(?<![\w-])(?P<secret>A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16})(?!\w)"),
    _rule("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"(?<!\w)(?P<secret>gh[pousr]_[A-Za-z0-9]{36,255})(?!\w)"),
    _rule("github-fine-grained-token", "github_pat_", r"(?<!\w)(?P<secret>github_pat_\w{22,255})"),
    _rule("gitlab-token", "glpat- gldt- glrt- glptt-", r"(?<!\w)(?P<secret>gl(?:pat|dt|rt|ptt)-[\w-]{20,300})"),
    _rule("slack-token", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xapp-",
          r"(?<!\w)(?P<secret>x(?:ox[abprse]|app)-[\w-]{10,300})"),
    _rule("slack-webhook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows)/(?P<secret>[\w/+-]{20,200})"),
    _rule("google-api-key", "AIza", r"(?<!\w)(?P<secret>AIza[\w-]{35})(?![\w-])"),
    _rule("stripe-key", "sk_live_ rk_live_ sk_test_ rk_test_",
          r"(?<!\w)(?P<secret>[sr]k_(?:live|test)_[A-Za-z0-9]{16,255})"),
    _rule("sendgrid-key", "SG.", r"(?<![\w.])(?P<secret>SG\.[\w-]{16,32}\.[\w-]{32,64})"),
    _rule("npm-token", "npm_", r"(?<!\w)(?P<secret>npm_[A-Za-z0-9]{36})(?!\w)"),
    _rule("pypi-token", "pypi-AgE", r"(?<!\w)(?P<secret>pypi-AgE[\w-]{50,1000})"),
    _rule("docker-token", "dckr_pat_ dckr_oat_", r"(?<!\w)(?P<secret>dckr_[po]at_[\w-]{20,200})"),
    _rule("digitalocean-token", "dop_v1_ doo_v1_ dor_v1_", r"(?<!\w)(?P<secret>do[por]_v1_[a-f0-9]{64})"),
    _rule("vault-token", "hvs. hvb.", r"(?<![\w.])(?P<secret>hv[sb]\.[\w-]{24,300})"),
    _rule("openai-key", "T3BlbkFJ", r"(?<![\w-])(?P<secret>sk-[\w-]{10,200})(?![\w-])"),
    _rule("anthropic-key", "sk-ant-", r"(?<![\w-])(?P<secret>sk-ant-[\w-]{20,200})"),
    _rule("hugging-face-token", "hf_", r"(?<!\w)(?P<secret>hf_[A-Za-z]{34})(?!\w)"),
    _rule("azure-account-key", "AccountKey=", r"AccountKey=(?P<secret>[A-Za-z0-9+/]{40,100}={0,2})"),
    _rule("age-secret-key", "AGE-SECRET-KEY-1", r"(?P<secret>AGE-SECRET-KEY-1[0-9A-Z]{50,70})"),
    _rule("json-web-token", "eyJ", r"(?<![\w.-])(?P<secret>eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})"),
    _rule(
        "private-key",
        "PRIVATE KEY-----",
        r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY-----(?P<secret>[^-]*)",
    ),
    _rule(
        "authorization-header",
        "uthorization: UTHORIZATION:",
        r"(?i)(?<!\w)authorization: ?(?:(?:bearer|basic|token) )?(?P<secret>[^\s\"'$]{3,})",
    ),
    _rule(
        "json-field",
        # a config.json of docker, a service account's key
        '"auth" "password" "token" "secret" "identitytoken" "private_key" "client_secret" _token"',
        r'"(?:auth|password|token|secret|identitytoken|private_key|client_secret|access_token|refresh_token)" ?: ?'
        r'"(?P<secret>[^"$\[]{4,})"',
    ),
    _rule(
        "http-client-user",
        "curl wget",
        r"(?<!\w)(?:curl|wget) [^|;&\n]{0,300}?(?<=\s)(?:-u|--user)[ =]"
        r"[\"']?[^\s:\"'$]{1,64}:(?P<secret>[^\s\"'$]{1,256})",
    ),
    _rule(
        "url-password",
        "://",
        r"://[^\s/:@'\"]{0,256}:(?!\$\{?\w+\}?@|\*+@|\[redacted\]@|<\w+>@)(?P<secret>[^\s/'\"]{1,512})@",
    ),
)  # fmt: skip

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
_GATE = re.compile(r"(?i)pass|pwd|secret|token|key|credential")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORDS = re.compile(r"[^A-Za-z0-9]+")
_HARMLESS_VALUE = re.compile(
    r"(?i)true|false|yes|no|on|off|none|null|nil|0|1|\*+|<[^>]*>|\[redacted\]"
    r"|\$\w+|\$\{\w+\}|\$\([^)]*\)|`[^`]*`"  # a reference, not the value; `${NAME:-value}` would hold one
    r"|id=[\w.,=/-]*"  # a build secret's id
    r"|/(?:run|var|etc|opt|app|home|root|secrets|tmp|usr|mnt|data|vault|config|certs?|keys?)/[\w./-]*"  # a file
)
_NAME = re.compile(r"(?<![\w./-])(?P<name>(?:--?)?[A-Za-z_][\w./-]*+)=")
_VALUE = re.compile(
    r"\"(?P<double>(?:[^\"\\]|\\.)*+)\"|'(?P<single>[^']*+)'|(?P<reference>\$\([^()]{0,200}\)|`[^`]{0,200}`)(?=[\s;&|\"']|$)"
    r"|(?P<bare>[\"']?[^\s\"']++)",
    re.DOTALL,
)
_UNTIL_QUOTE = {quote: re.compile(f"(?P<quoted>[^{quote}]*+)") for quote in ("'", '"')}
# BuildKit writes values with blanks without their quotes: a value ends where the next name begins.
_METADATA = re.compile(r"(?:/bin/sh -c )?(?:#\(nop\) +)?(?:ENV|LABEL|ARG) ")
_UNTIL_NAME = re.compile(r"(?P<open>.+?)(?= [A-Za-z_][\w.-]{0,200}=|$)", re.DOTALL)
# The value is the next word, or the next string of a list as history lines hold one: ["/app" "--token" "..."].
_FLAG = re.compile(r"(?<![^\s\"'\[(])(?P<name>--?[A-Za-z][A-Za-z0-9-]{0,60})(?:[ \t]+|[\"'],?[ \t]*[\"'])(?!-)")


def is_secret_name(name: str) -> bool:
    """Whether a variable, flag or label of this name holds a secret; `main.apiKey`, `--api-key` count like API_KEY."""
    if not _GATE.search(name):
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


def redact_env(name: str, value: str) -> EnvVar:
    """The variable, its value None where the name or the value says that it is a secret."""
    secret = (is_secret_name(name) and _may_be_secret(value)) or _secret_in(value)
    return EnvVar(name=name, value=None if secret else value, redacted=secret)


def redact_named(name: str, value: str) -> str:
    """A label's value: whole gone where the label's name says secret, else as redact_text."""
    return REDACTED if is_secret_name(name) and _may_be_secret(value) else redact_text(value)


def redact_command(arguments: Sequence[str]) -> tuple[str, ...]:
    """Arguments as a process gets them: what a secret flag says goes, in the same argument or the next one."""
    redacted = []
    flag = ""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if flag and not argument.startswith("-") and _may_be_secret(argument):
            redacted.append(REDACTED)
        elif equals and name.startswith("-") and is_secret_name(name) and _may_be_secret(value):
            redacted.append(f"{name}={REDACTED}")
        else:
            redacted.append(redact_text(argument))
        flag = name if name.startswith("-") and not equals and is_secret_name(name) else ""
    return tuple(redacted)


def redact_text(text: str) -> str:
    """Free text (a history line, linker flags, a command) with each secret replaced by `[redacted]`."""
    if _GATE.search(text):
        text = _redact_values(_NAME, text)
        text = _redact_values(_FLAG, text)
        text = _redact_old_env(text)
    for rule in SECRET_RULES:
        for literal in rule.literals:
            if literal in text:
                text = re.sub(rule.pattern, _redact_match, text)
                break
    return text


def _may_be_secret(value: str) -> bool:
    return bool(value) and not _HARMLESS_VALUE.fullmatch(value)


def _secret_in(value: str) -> bool:
    return redact_text(value) != value


def _redact_match(match: re.Match[str]) -> str:
    start, end = match.start("secret") - match.start(), match.end("secret") - match.start()
    whole = match.group()
    return f"{whole[:start]}{REDACTED}{whole[end:]}" if end > start else whole


def _redact_values(names: re.Pattern[str], text: str) -> str:
    """Takes out what follows a name that says secret. What follows another name may hold one and is looked into."""
    kept, done, place = [], 0, 0
    metadata = _METADATA.match(text) is not None
    while found := names.search(text, place):
        place = found.end()
        if not is_secret_name(found["name"]):
            continue
        before = text[found.start() - 1] if found.start() else ""
        pattern = _UNTIL_QUOTE.get(before, _UNTIL_NAME if metadata and text[place : place + 1] not in "'\"" else _VALUE)
        value = pattern.match(text, place)
        if value and _may_be_secret(value[value.lastgroup or 0]):
            start, end = value.span(value.lastgroup or 0)
            kept += [text[done:start], REDACTED]
            done = place = end
    return "".join(kept) + text[done:]


_OLD_ENV = re.compile(r"(?i)^(?P<head>.{0,64}?\bENV )(?P<name>[A-Za-z_]\w*)(?P<eq>[ \t]+)(?P<value>\S.*)$", re.DOTALL)


def _redact_old_env(text: str) -> str:
    """`ENV NAME the rest` (the form without `=`), as a history line holds it."""
    match = _OLD_ENV.match(text)
    if match and is_secret_name(match["name"]) and _may_be_secret(match["value"]):
        return f"{match['head']}{match['name']}{match['eq']}{REDACTED}"
    return text


def redact_go(go: GoInfo) -> GoInfo:
    """Build info whose settings tell no secret: `-ldflags "-X main.token=..."` may hold one."""
    if not go.settings:
        return go
    return msgspec.structs.replace(go, settings={name: redact_text(text) for name, text in go.settings.items()})
