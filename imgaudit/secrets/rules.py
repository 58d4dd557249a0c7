"""The rules: token formats as their issuers document them, and values that stand where a secret is given.

One list serves both ends. What a report shows is redacted by `pattern`, which is rather too wide; what is called a
finding in a file has to pass `content` and `holds`, which know the format's structure. All patterns take time linear
in the text: repetitions are bounded, possessive, or followed by what they can't match.
"""

from imgaudit.secrets import structure
from imgaudit.secrets.formats import COMMANDS, FORMATS
from imgaudit.secrets.formats import rule as _rule
from imgaudit.secrets.interface import SecretRule

_AWS_PAIRLESS = (
    r"(?:SECRET_ACCESS_KEY|secret_access_key|ecretAccessKey)[\"']?[ \t]{0,20}(?:=>|:=|[=:])[ \t]{0,20}[\"']?"
    r"(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=_.-])"
)


# (?<![\w-]) keeps a run of word characters from being tried twice.
SECRET_RULES: tuple[SecretRule, ...] = (
    _rule("aws-access-key-id", "AKIA ASIA ABIA ACCA", r"(?<![\w-])(?P<secret>A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16})(?!\w)",
          "an AWS access key", marks=("AKIA",), holds=structure.aws_pair,
          content=r"(?<![A-Za-z0-9/+_-])(?<!==)(?P<secret>AKIA[A-Z2-7]{16})(?![A-Za-z0-9/+=_-])"),
    _rule("aws-secret-key", "SECRET_ACCESS_KEY secret_access_key ecretAccessKey", _AWS_PAIRLESS, "an AWS secret key",
          "medium", marks=("SECRET_", "secret_", "ecretAccessKey"), content=_AWS_PAIRLESS,
          holds=structure.aws_secret),
    _rule("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"(?<!\w)(?P<secret>gh[pousr]_[A-Za-z0-9]{36,255})(?!\w)",
          "a GitHub token", holds=structure.checksum62,
          content=r"(?<!\w)(?P<secret>gh[pousr]_[A-Za-z0-9]{36})(?!\w)"),
    _rule("github-fine-grained-token", "github_pat_", r"(?<!\w)(?P<secret>github_pat_\w{22,255})",
          "a GitHub token", content=r"(?<!\w)(?P<secret>github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})(?!\w)"),
    _rule("gitlab-token", "glpat- gldt- glrt- glptt- gloas- glsoat- glagent-",
          r"(?<!\w)(?P<secret>gl(?:pat|dt|rt|ptt|oas|soat|agent)-[\w-]{20,300})", "a GitLab token",
          content=r"(?<!\w)(?P<secret>gl(?:pat|dt|rt|ptt|oas|soat|agent)-[\w-]{20,300}+(?:\.[0-9a-z]{2}\.?[0-9a-z]{7})?)(?!\w)"),
    _rule("slack-token", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xapp-",
          r"(?<!\w)(?P<secret>x(?:ox[abprse]|app)-[\w-]{10,300})", "a Slack token",
          marks=("xoxb-", "xoxp-", "xoxa-", "xoxr-", "xapp-"),
          content=r"(?<!\w)(?P<secret>xoxb-\d{9,15}-(?:\d{9,15}-)?[A-Za-z0-9]{18,40}"
          r"|xox[apr]-(?:\d{9,15}-){2,3}[A-Za-z0-9]{24,64}|xapp-\d-A[A-Z0-9]{8,12}-\d{9,15}-[a-f0-9]{64})(?!\w)"),
    _rule("slack-webhook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows)/(?P<secret>[\w/+-]{20,200})",
          "a Slack webhook, whose address is the secret", "medium",
          content=r"hooks\.slack\.com/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/(?P<secret>[A-Za-z0-9]{24})(?!\w)"),
    _rule("google-api-key", "AIza", r"(?<!\w)(?P<secret>AIza[\w-]{35})(?![\w-])", "a Google API key", "medium",
          content=r"(?<![\w-])(?P<secret>AIza[\w-]{35})(?![\w-])"),
    _rule("stripe-key", "sk_live_ rk_live_ sk_test_ rk_test_",
          r"(?<!\w)(?P<secret>[sr]k_(?:live|test)_[A-Za-z0-9]{16,255})", "a Stripe key",
          marks=("sk_live_", "rk_live_"),
          content=r"(?<!\w)(?P<secret>[sr]k_live_[A-Za-z0-9]{24,247})(?!\w)"),
    _rule("sendgrid-key", "SG.", r"(?<![\w.])(?P<secret>SG\.[\w-]{16,32}\.[\w-]{32,64})", "a SendGrid key",
          content=r"(?<![\w.])(?P<secret>SG\.[\w-]{22}\.[\w-]{43})(?![\w-])"),
    _rule("npm-token", "npm_", r"(?<!\w)(?P<secret>npm_[A-Za-z0-9]{36})(?!\w)", "an npm token",
          content=r"(?<!\w)(?P<secret>npm_[A-Za-z0-9]{36})(?!\w)", holds=structure.checksum62),
    _rule("pypi-token", "pypi-AgE", r"(?<!\w)(?P<secret>pypi-AgE[\w-]{50,1000})", "a PyPI token",
          marks=("pypi-",), after=1100,
          content=r"(?<!\w)(?P<secret>pypi-AgE[\w-]{50,1000})", holds=structure.pypi_macaroon),
    _rule("docker-token", "dckr_pat_ dckr_oat_", r"(?<!\w)(?P<secret>dckr_[po]at_[\w-]{20,200})", "a Docker Hub token",
          content=r"(?<!\w)(?P<secret>dckr_[po]at_[\w-]{27,200})(?!\w)"),
    _rule("digitalocean-token", "dop_v1_ doo_v1_ dor_v1_", r"(?<!\w)(?P<secret>do[por]_v1_[a-f0-9]{64})",
          "a DigitalOcean token", content=r"(?<!\w)do[por]_v1_(?P<secret>[a-f0-9]{64})(?!\w)",
          holds=structure.random_hex),
    _rule("vault-token", "hvs. hvb.", r"(?<![\w.])(?P<secret>hv[sb]\.[\w-]{24,300})", "a Vault token", marks=("hvs.",),
          content=r"(?<![\w.])(?P<secret>hvs\.(?:CAES)?[\w-]{90,300})(?!\w)"),
    _rule("openai-key", "T3BlbkFJ", r"(?<![\w-])(?P<secret>sk-[\w-]{10,200})(?![\w-])", "an OpenAI key", before=120,
          content=r"(?<![\w-])(?P<secret>sk-(?:proj-|svcacct-|admin-)?[\w-]{20,80}?T3BlbkFJ[\w-]{20,100})(?![\w-])"),
    _rule("anthropic-key", "sk-ant-", r"(?<![\w-])(?P<secret>sk-ant-[\w-]{20,200})", "an Anthropic key",
          content=r"(?<![\w-])(?P<secret>sk-ant-[a-z]{3,8}\d{2}-[\w-]{80,120})(?![\w-])"),
    _rule("hugging-face-token", "hf_", r"(?<!\w)(?P<secret>hf_[A-Za-z]{34})(?!\w)", "a Hugging Face token",
          content=r"(?<!\w)hf_(?P<secret>[A-Za-z]{34})(?!\w)",
          holds=lambda match: structure.random_part(match, bits=4.0)),
    _rule("azure-account-key", "AccountKey=", r"AccountKey=(?P<secret>[A-Za-z0-9+/]{40,100}={0,2})",
          "the key of an Azure storage account", content=r"AccountKey=(?P<secret>[A-Za-z0-9+/]{86}==)",
          holds=structure.azure_key),
    *FORMATS,
    _rule("age-secret-key", "AGE-SECRET-KEY-1", r"(?P<secret>AGE-SECRET-KEY-1[0-9A-Z]{50,70})", "an age secret key",
          marks=("AGE-SECRET-KEY-",),
          content=r"(?<!\w)AGE-SECRET-KEY-1(?P<secret>[02-9AC-HJ-NP-Z]{58})(?!\w)"),
    _rule("json-web-token", "eyJ", r"(?<![\w.-])(?P<secret>eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})", "a JSON web token",
          "medium"),
    _rule(
        "private-key",
        "PRIVATE KEY-----",
        r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?P<secret>[^-]*)",
        "a private key",
        marks=("PRIVATE KEY-", "PRIVATE KEY BLOCK-"),
        content=structure.PEM_KEY,
        before=70,
        after=33_000,
        holds=structure.key_body,
    ),
    _rule(
        "authorization-header",
        "uthorization: UTHORIZATION:",
        r"(?i)(?<!\w)authorization: ?(?:(?:bearer|basic|token) )?(?P<secret>[^\s\"'$]{3,})",
        "an Authorization header",
        "medium",
    ),
    _rule(
        "json-field",
        # a config.json of docker, a service account's key
        '"auth" "password" "token" "secret" "identitytoken" "private_key" "client_secret" _token"',
        r'"(?:auth|password|token|secret|identitytoken|private_key|client_secret|access_token|refresh_token)" ?: ?'
        r'"(?P<secret>[^"$\[]{4,})"',
        "a credential in JSON",
        "medium",
    ),
    _rule(
        "http-client-user",
        "curl wget",
        r"(?<!\w)(?:curl|wget) [^|;&\n]{0,300}?(?<=\s)(?:-u|--user)[ =]"
        r"[\"']?[^\s:\"'$]{1,64}:(?P<secret>[^\s\"'$]{1,256})",
        "a password given to curl or wget",
        "medium",
    ),
    *COMMANDS,
    _rule(
        "url-password",
        "://",
        r"://[^\s/:@'\"]{0,256}:(?!\$\{?\w+\}?@|\*+@|\[redacted\]@|<\w+>@)(?P<secret>[^\s/'\"]{1,512})@",
        "a password in a URL",
        "medium",
    ),
)  # fmt: skip

CONTENT_RULES = tuple(rule for rule in SECRET_RULES if rule.content is not None)
