"""More rules: tokens that one pattern tells, in files as in what is redacted, and secrets that commands are given."""

import functools

from imgaudit.model import Severity
from imgaudit.secrets import structure
from imgaudit.secrets.interface import Holds, SecretRule


def rule(
    id_: str,
    literals: str,
    pattern: str,
    what: str,
    severity: Severity = "high",
    *,
    content: str | None = None,
    marks: tuple[str, ...] = (),
    before: int = 0,
    after: int = 512,
    holds: Holds | None = structure.random_part,
) -> SecretRule:
    """literals: separated by blanks; marks are the same unless they are given."""
    return SecretRule(
        id_, tuple(literals.split()), pattern, what, severity, content,
        marks or tuple(literals.split()), before, after, holds,
    )  # fmt: skip


_random = functools.partial(structure.random_part, bits=4.0)


def _format(id_: str, literals: str, pattern: str, what: str, holds: Holds = structure.random_part) -> SecretRule:
    return rule(id_, literals, pattern, what, content=pattern, holds=holds)


# How `-----BEGIN PRIVATE KEY` and its kin, RSA, EC and OPENSSH, look in base 64.
_WRAPPED = r"LS0tLS1CRUdJTi(?:BQUklWQVRFIEtFWS|BSU0EgUFJJVkFURSBLRVkt|BFQyBQUklWQVRFIEtFWS|BPUEVOU1NIIFBSSVZBVEUgS0VZ)"

FORMATS: tuple[SecretRule, ...] = (
    rule("azure-client-secret", "Q~", r"(?<![\w~.-])(?P<secret>[\w~.-]{3}[0-9]Q~[\w~.-]{31,34})(?![\w~-])",
         "a client secret of Microsoft Entra", holds=_random,
         content=r"(?<=[A-Za-z0-9_~.-]{3}[0-9])(?<![A-Za-z0-9_~.-]{5})Q~(?P<secret>[\w~.-]{31,34})(?![\w~-])"),
    rule("terraform-token", ".atlasv1.", r"(?<!\w)(?P<secret>[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,70})(?![\w-])",
         "a token of Terraform Cloud", holds=_random,
         content=r"(?<=[A-Za-z0-9]{14})(?<!\w{15})\.atlasv1\.(?P<secret>[\w-]{60,70})(?![\w-])"),
    rule("telegram-token", ":AA", r"(?<!\w)(?P<secret>[0-9]{8,10}:AA[\w-]{33})(?![\w-])",
         "the token of a Telegram bot", holds=_random,
         content=r"(?:(?<=(?<!\w)[0-9]{8})|(?<=(?<!\w)[0-9]{9})|(?<=(?<!\w)[0-9]{10})):AA(?P<secret>[\w-]{33})(?![\w-])"),
    rule("discord-webhook", "/api/webhooks/",
         r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/(?P<secret>[\w-]{60,72})",
         "a Discord webhook, whose address is the secret", "medium", holds=_random,
         content=r"(?:(?<=discord\.com)|(?<=discordapp\.com))/api/webhooks/[0-9]{17,20}/(?P<secret>[\w-]{60,72})(?![\w-])"),
    _format("shopify-token", "shpat_ shpca_ shppa_ shpss_",
            r"(?<!\w)shp(?:at|ca|pa|ss)_(?P<secret>[a-fA-F0-9]{32})(?!\w)",
            "a Shopify token", structure.random_hex),
    _format("databricks-token", "dapi", r"(?<!\w)dapi(?P<secret>[0-9a-f]{32}(?:-[0-9])?)(?!\w)",
            "a Databricks token", structure.random_hex),
    _format("rubygems-key", "rubygems_", r"(?<!\w)rubygems_(?P<secret>[0-9a-f]{48})(?!\w)", "a key of RubyGems",
            structure.random_hex),
    _format("pulumi-token", "pul-", r"(?<![\w-])pul-(?P<secret>[0-9a-f]{40})(?!\w)", "a Pulumi token",
            structure.random_hex),
    _format("postman-key", "PMAK-", r"(?<!\w)PMAK-(?P<secret>[0-9a-f]{24}-[0-9a-f]{34})(?!\w)", "a Postman key",
            structure.random_hex),
    _format("new-relic-key", "NRAK-", r"(?<!\w)NRAK-(?P<secret>[A-Z0-9]{27})(?!\w)", "a New Relic key"),
    _format("doppler-token", "dp.",
            r"(?<![\w.])dp\.(?:pt|ct|sa|st(?:\.[a-z0-9_-]{2,35})?)\.(?P<secret>[A-Za-z0-9]{40,44})(?![\w.])",
            "a Doppler token", _random),
    _format("tailscale-key", "tskey-",
            r"(?<!\w)tskey-(?:auth|api|client)-(?P<secret>[A-Za-z0-9]{8,20}CNTRL-[A-Za-z0-9]{20,48})(?!\w)",
            "a Tailscale key"),
    _format("planetscale-token", "pscale_tkn_ pscale_pw_", r"(?<!\w)pscale_(?:tkn|pw)_(?P<secret>[\w.-]{32,64})(?!\w)",
            "a PlanetScale token", _random),
    _format("grafana-token", "glsa_", r"(?<!\w)glsa_(?P<secret>[A-Za-z0-9]{32}_[0-9a-f]{8})(?!\w)", "a Grafana token"),
    _format("sentry-token", "sntrys_ sntryu_",
            r"(?<!\w)(?P<secret>sntrys_eyJpYXQiO[A-Za-z0-9+/]{40,400}={0,2}_[A-Za-z0-9+/]{43}|sntryu_[0-9a-f]{64})(?!\w)",
            "a Sentry token"),
    _format("linear-key", "lin_api_", r"(?<!\w)lin_api_(?P<secret>[A-Za-z0-9]{40})(?!\w)", "a Linear key"),
    rule("wrapped-private-key", "LS0tLS1CRUdJTi",
         rf"(?<![A-Za-z0-9+/])(?P<secret>{_WRAPPED}[A-Za-z0-9+/]{{40,}}={{0,2}})",
         "a private key in base 64", after=44_100, holds=structure.wrapped_key,
         content=rf"(?<![A-Za-z0-9+/])(?P<secret>{_WRAPPED}[A-Za-z0-9+/]{{100,44000}}+={{0,2}})"),
    rule("putty-key", "Private-Lines:", r"Private-Lines: [0-9]{1,4}\s{1,2}(?P<secret>[A-Za-z0-9+/=\s]{40,20000}+)",
         "a private key", marks=("PuTTY-",), after=30_000, holds=_random,
         content=r"PuTTY-User-Key-File-[23]: [^\r\n]{1,60}\r?\nEncryption: none\r?\n"
         r"(?:(?!PuTTY-)[^\r\n]{0,300}\r?\n){1,200}?Private-Lines: [0-9]{1,4}\r?\n"
         r"(?P<secret>[A-Za-z0-9+/=\r\n]{40,20000}+)"),
)  # fmt: skip
"""Tokens as their issuers document them. A content pattern that looks back begins at its mark."""

COMMANDS: tuple[SecretRule, ...] = (
    rule("key-header", "-Key: -KEY: -key: -Token: -TOKEN: -token:",
         r"(?i)(?<!\w)(?:x-api-key|x-auth-token|x-access-token|x-vault-token|private-token|deploy-token|job-token): ?"
         r"(?P<secret>[^\s\"'$<{\[]{8,512})", "a key in a header", "medium"),
    rule("login-password", " login ",
         r"(?<![\w-])(?:docker|podman|buildah|skopeo|crane|oras|helm registry) login [^|;&\n]{0,300}?"
         r"(?<=\s)-p[ =]?[\"']?(?P<secret>[^\s\"'`$<{\[]{3,256})", "a password given to login", "medium"),
    rule("mysql-password", "mysql",
         r"(?<![\w-])(?<!-[A-Za-z] )mysql(?:dump|admin)? [^|;&\n]{0,300}?(?<=\s)-p(?![0-9]+:[0-9])[\"']?"
         r"(?P<secret>[^\s\"'`$<{\[=-][^\s\"'$<{\[]{2,255})", "a password given to mysql", "medium"),
    rule("chpasswd", "chpasswd",
         r"(?<![\w:-])[A-Za-z_][\w-]{0,31}:(?![*!]+(?![^\s\"'|]))(?P<secret>[^\s\"'`$:|\[]{1,256})"
         r"[\"']? ?\| ?(?:sudo )?chpasswd\b",
         "the password of an account", "medium"),
)  # fmt: skip
"""In what is redacted only: options of commands, and headers that they are given."""
