"""What is a secret goes, what is not stays readable, and neither takes long."""

import re
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgaudit.system.redact import (
    REDACTED,
    SECRET_RULES,
    is_secret_name,
    redact_command,
    redact_env,
    redact_named,
    redact_text,
)

# As the official images of Docker Hub set them, and as services are configured.
HARMLESS = """\
PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LANG=C.UTF-8
LC_ALL=en_US.UTF-8
GOLANG_VERSION=1.22.5
GOTOOLCHAIN=local
GOPATH=/go
GOFLAGS=-mod=vendor -trimpath
CGO_ENABLED=0
SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
SSL_CERT_DIR=/etc/ssl/certs
GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D
GPG_KEYS=97F0CD7BF2B4F5C2 24F7B4D6C8B0A0A1
NGINX_GPGKEY=573BFD6B3D8FBC641079A6ABABF5BD827BD9BF62
PYTHON_SHA256=fa8a2e12c5e620b09f53e65bcd87550d2e5a1e2e04bf8ba991dcc55113876396
PYTHON_GET_PIP_URL=https://github.com/pypa/get-pip/raw/66d8a0f637083e2c3ddffc0cb1e65ce126afb856/public/get-pip.py
PYTHONUNBUFFERED=1
NODE_VERSION=20.11.1
YARN_VERSION=1.22.19
JAVA_HOME=/opt/java/openjdk
POSTGRES_PASSWORD_FILE=/run/secrets/postgres
POSTGRES_HOST_AUTH_METHOD=trust
MYSQL_ALLOW_EMPTY_PASSWORD=yes
MYSQL_RANDOM_ROOT_PASSWORD=true
KEYCLOAK_URL=https://sso.example.com/realms/main
KEYCLOAK_REALM=main
GOOGLE_APPLICATION_CREDENTIALS=/var/run/gcp/key.json
TOKENIZERS_PARALLELISM=false
MAX_TOKENS=4096
TOKEN_TTL=3600
TOKEN_URL=https://sso.example.com/token
OAUTH_TOKEN_ENDPOINT=https://sso.example.com/oauth/token
SECRET_NAME=my-app-secrets
SECRETS_DIR=/run/secrets
PASSWORD_MIN_LENGTH=12
PUBLIC_KEY=MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
SSH_AUTH_SOCK=/tmp/agent.sock
PWD=/app
OLDPWD=/
COMPASS_MODE=off
BYPASS_PROXY=1
KEYBOARD_LAYOUT=us
MONKEY=banana
PRIMARY_KEY=id
API_KEY=
API_TOKEN=${API_TOKEN}
DB_PASSWORD=$DB_PASS
DATABASE_URL=postgres://db.example.com:5432/app
DATABASE_URL=postgres://app@db.example.com/app
DATABASE_URL=postgres://app:${DB_PASSWORD}@db/app
HTTP_PROXY=http://proxy.example.com:3128
SENTRY_DSN=https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/1
AWS_REGION=eu-west-1
S6_VERSION=v2.2.0.3
LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2
TINI_SUBREAPER=true
ADDR=[::1]:8080
PROXY=http://user:$PASS@proxy
PROXY=http://user:***@proxy
SECRET_KEY_BASE_DUMMY=1
TIMES=10:20:30@noon
CONTACT=mailto:someone@example.com
REVISION=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b
""".splitlines()

SECRET = """\
DB_PASSWORD=hunter2
POSTGRES_PASSWORD=postgres
MYSQL_ROOT_PASSWORD=1234
REDIS_PASS=x
MYSQL_PWD=x
SECRET=s3cr3t
SECRET_KEY=abcdef
SECRET_KEY_BASE=0123456789abcdef
CLIENT_SECRET=abc
VAULT_SECRET_ID=3d7e
API_KEY=abc
APIKEY=abc
STRIPE_API_KEY=abc
GITHUB_TOKEN=abc
NPM_TOKEN=abc
AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
PRIVATE_KEY=abc
JWT_SIGNING_KEY=abc
ENCRYPTION_KEY=abc
NEW_RELIC_LICENSE_KEY=abc
REGISTRY_CREDENTIALS=user:pass
apiKey=abc
dbPassword=abc
ANYTHING=AKIAIOSFODNN7EXAMPLE
ANYTHING=ghp_0123456789abcdefghijABCDEFGHIJ012345
ANYTHING=glpat-abcdefghijklmnopqrst
ANYTHING=xoxb-123456789012-abcdefghijkl
ANYTHING=https://hooks.slack.com/services/T00000000/B00000000/abcdefghijklmnopqrstuvwx
ANYTHING=AIzaSyA0123456789abcdefghijklmnopqrstuv
ANYTHING=sk_live_0123456789abcdefghij
ANYTHING=npm_0123456789abcdefghijABCDEFGHIJ012345
ANYTHING=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N
ANYTHING=postgres://app:hunter2@db.example.com/app
ANYTHING=postgres://app:p@ss:w@db.example.com/app
DB_PASSWORD=${DB_PASSWORD:-hunter2}
ANYTHING=amqp://:hunter2@broker
ANYTHING=-----BEGIN RSA PRIVATE KEY-----\\nMIIEpAIBAAKCAQEA\\n-----END RSA PRIVATE KEY-----
ANYTHING=DefaultEndpointsProtocol=https;AccountName=x;AccountKey=abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ+/==
ANYTHING={"auths":{"registry.example.com":{"auth":"dXNlcjpwYXNz"}}}
ANYTHING=hvs.CAESIJ0123456789abcdefghijklmnop
""".splitlines()


@pytest.mark.parametrize("line", HARMLESS)
def test_an_ordinary_value_stays(line: str) -> None:
    name, _, value = line.partition("=")
    variable = redact_env(name, value)
    assert (variable.name, variable.value, variable.redacted) == (name, value, False)
    assert redact_text(f"ENV {line}") == f"ENV {line}"


@pytest.mark.parametrize("line", SECRET)
def test_a_secret_goes_and_its_name_stays(line: str) -> None:
    name, _, value = line.partition("=")
    variable = redact_env(name, value)
    assert (variable.name, variable.value, variable.redacted) == (name, None, True)
    text = redact_text(f"ENV {line}")
    assert text.startswith(f"ENV {name}=")
    assert REDACTED in text
    assert value not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/bin/sh -c #(nop)  ENV DB_PASSWORD=hunter2 LANG=C", f"/bin/sh -c #(nop)  ENV DB_PASSWORD={REDACTED} LANG=C"),
        ("ENV API_TOKEN abc def", f"ENV API_TOKEN {REDACTED}"),
        ("/bin/sh -c #(nop) ENV API_TOKEN abc", f"/bin/sh -c #(nop) ENV API_TOKEN {REDACTED}"),
        ("RUN |1 NPM_TOKEN=abc /bin/sh -c npm ci # buildkit",
         f"RUN |1 NPM_TOKEN={REDACTED} /bin/sh -c npm ci # buildkit"),
        ("ARG GITHUB_TOKEN=abc", f"ARG GITHUB_TOKEN={REDACTED}"),
        ("-s -w -X main.version=1.2.3 -X main.apiKey=abc", f"-s -w -X main.version=1.2.3 -X main.apiKey={REDACTED}"),
        ("-X 'example.com/x/config.Token=a b'", f"-X 'example.com/x/config.Token={REDACTED}'"),
        ('go build -ldflags="-X=main.clientSecret=abc -s" .',
         f'go build -ldflags="-X=main.clientSecret={REDACTED} -s" .'),
        ("deploy --password abc --user me", f"deploy --password {REDACTED} --user me"),
        ("deploy --api-key='a b' x", f"deploy --api-key='{REDACTED}' x"),
        ("deploy --token --verbose", "deploy --token --verbose"),
        ("curl -H 'Authorization: Bearer abcdefgh1234' u", f"curl -H 'Authorization: Bearer {REDACTED}' u"),
        ("git clone https://me:abc@example.com/x", f"git clone https://me:{REDACTED}@example.com/x"),
        ("curl https://example.com/?token=abc&x=1", f"curl https://example.com/?token={REDACTED}"),
        ("echo SECRET='it is' > x; export LANG=C", f"echo SECRET='{REDACTED}' > x; export LANG=C"),
        ("ENV DB_PASSWORD=a b LANG=C", f"ENV DB_PASSWORD={REDACTED} LANG=C"),
        ("ENV DB_PASSWORD=it's; a|b&c", f"ENV DB_PASSWORD={REDACTED}"),
        ('RUN PASSWORD="a\\"b c" x', f'RUN PASSWORD="{REDACTED}" x'),
        ("RUN PASSWORD='a x", f"RUN PASSWORD={REDACTED} x"),
        ('["--token=a b", "x"]', f'["--token={REDACTED}", "x"]'),
        ("RUN TOKEN=$(cat /run/secrets/token) make", "RUN TOKEN=$(cat /run/secrets/token) make"),
        ("RUN TOKEN=$(cat /x)rest make", f"RUN TOKEN={REDACTED} /x)rest make"),
        ("RUN docker login --password-stdin registry.example.com",) * 2,
        ("RUN docker login -u me -p `cat /run/secrets/p`",) * 2,
        ("RUN mysql -phunter22 < dump.sql", f"RUN mysql -p{REDACTED} < dump.sql"),
        ("RUN mysql -p`cat /run/secrets/p`",) * 2,
        ("RUN chown -R mysql /var/lib/data -preserve",) * 2,  # the user
        ("RUN echo root:hunter22 | chpasswd", f"RUN echo root:{REDACTED} | chpasswd"),
        ("RUN echo root:*hunter22 | chpasswd", f"RUN echo root:{REDACTED} | chpasswd"),
        ("RUN echo 'root:!' | chpasswd -e",) * 2,  # locked
        ("RUN echo root:* | chpasswd -e",) * 2,
        ("docker build --secret id=npm,src=/x .",) * 2,
        ("pip install tokenizers==0.13 --no-cache-dir",) * 2,
        ('ENTRYPOINT ["/app" "--password" "a b" "-v"]', f'ENTRYPOINT ["/app" "--password" "{REDACTED}" "-v"]'),
        ('CMD ["--token", "a", "x"]', f'CMD ["--token", "{REDACTED}", "x"]'),
        ('CMD ["--token", "-v", "x"]', 'CMD ["--token", "-v", "x"]'),
        ("CMD ['--token' 'a']", f"CMD ['--token' '{REDACTED}']"),
        ('HEALTHCHECK &{["CMD-SHELL" "wget --header \\"Authorization: Bearer abc\\" u"] "0s"}',
         f'HEALTHCHECK &{{["CMD-SHELL" "wget --header \\"Authorization: Bearer {REDACTED}" u"] "0s"}}'),
        ("curl -sS -u me:abc https://example.com", f"curl -sS -u me:{REDACTED} https://example.com"),
        ("curl -u $ME:$PASS https://example.com",) * 2,
        ("docker run -u 1000:1000 x && chown --user=1:1",) * 2,
        ("LABEL com.example.password=a b title=x y", f"LABEL com.example.password={REDACTED} title=x y"),
        ("|1 NPM_TOKEN=abc /bin/sh -c npm ci", f"|1 NPM_TOKEN={REDACTED} /bin/sh -c npm ci"),
        ("a=b=PASSWORD=c", f"a=b=PASSWORD={REDACTED}"),
        ("COPY /out/server /server # buildkit", "COPY /out/server /server # buildkit"),
        ("RUN apk add --no-cache ca-certificates tzdata", "RUN apk add --no-cache ca-certificates tzdata"),
        ("HEALTHCHECK CMD [\"wget\" \"-q\" \"http://localhost:8080/token\"]",) * 2,
        ("RUN --mount=type=secret,id=token cat /run/secrets/token",) * 2,
        ("", ""),
    ],
)  # fmt: skip
def test_text(text: str, expected: str) -> None:
    assert redact_text(text) == expected
    assert redact_text(expected) == expected  # a second time changes nothing


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["/app", "--token", "a b", "--port", "80"], ["/app", "--token", REDACTED, "--port", "80"]),
        (["/app", "--db-password=a b;c"], ["/app", f"--db-password={REDACTED}"]),
        (["/app", "--token", "--verbose"], ["/app", "--token", "--verbose"]),
        (["/app", "--token", "$TOKEN"], ["/app", "--token", "$TOKEN"]),
        (["sh", "-c", "TOKEN=a exec /app"], ["sh", "-c", f"TOKEN={REDACTED} exec /app"]),
    ],
)
def test_arguments(arguments: list[str], expected: list[str]) -> None:
    assert redact_command(arguments) == tuple(expected)


def test_a_label_goes_by_its_name() -> None:
    assert redact_named("com.example.api-token", "abc") == REDACTED
    assert redact_named("org.opencontainers.image.title", "abc") == "abc"


def test_names_of_key_material_are_told_from_other_keys() -> None:
    assert [
        name for name in ("API_KEY", "PARTITION_KEY", "KEY", "KEYS", "ACCESS_KEY", "TURKEY") if is_secret_name(name)
    ] == [
        "API_KEY",
        "ACCESS_KEY",
    ]


def test_every_rule_has_its_own_id_and_its_literals_let_it_through() -> None:
    assert len({rule.id for rule in SECRET_RULES}) == len(SECRET_RULES)
    for rule in SECRET_RULES:
        assert rule.literals
        assert all(literal.strip() for literal in rule.literals)
        assert "secret" in re.compile(rule.pattern).groupindex


@given(st.text(max_size=200))
def test_any_text_is_answered_and_stable(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


TEMPLATES = (
    "ENV DB_PASSWORD={}",
    "ENV LANG=C DB_PASSWORD={} HOME=/root",
    'RUN export API_KEY="{}" && make',
    "RUN |2 VERSION=1 NPM_TOKEN={} /bin/sh -c npm ci",
    'ENTRYPOINT ["/app" "--token" "{}"]',
    'CMD ["/app", "--client-secret={}"]',
    "-s -w -X example.com/app/internal/config.apiKey={} -X main.version=1",
    "git clone https://me:{}@example.com/x.git",
    "curl -H 'Authorization: Bearer {}' https://example.com",
    "curl -u me:{} https://example.com",
    'echo \'{{"auths":{{"x":{{"auth":"{}"}}}}}}\' > config.json',
    "DefaultEndpointsProtocol=https;AccountName=x;ClientSecret={}",
)


@pytest.mark.parametrize("template", TEMPLATES)
@given(
    st.text(string.ascii_letters + string.digits, min_size=8, max_size=40), st.text(max_size=30), st.text(max_size=30)
)
def test_no_secret_is_left_whatever_stands_around_it(template: str, secret: str, before: str, after: str) -> None:
    hidden = f"zq{secret}qz"
    text = template.format(hidden)
    assert hidden not in redact_text(text)
    assert hidden not in redact_text(f"{before.replace(chr(39), '').replace(chr(34), '')} && {text}")
    assert hidden not in redact_text(f"{text} {after}")


HOSTILE = [
    "a=" * 200_000,
    "PASSWORD" * 50_000,
    "PASSWORD=" * 50_000,
    "eyJ" * 130_000,
    "eyJaaaaaaaaa." * 30_000,
    "://:" * 100_000,
    "://a:" * 100_000,
    "token=\"" * 60_000,
    "--token " * 50_000,
    '"--token" ' * 40_000,
    "curl " * 80_000,
    "curl -u a" * 40_000,
    "-----BEGIN PRIVATE KEY-----" * 15_000,
    "authorization: " * 27_000,
    "sk-" * 130_000 + "T3BlbkFJ",
    "SG." * 130_000,
    "xoxb-" * 80_000,
    "ENV " * 100_000 + "TOKEN x",
    "hooks.slack.com/services/" * 16_000,
    "tokenA" * 70_000 + "=x",
    "AKIA" * 100_000,
    "ENV PASSWORD=" + " a" * 200_000,
    "ENV " + "PASSWORD=a " * 40_000,
    "'password=" * 40_000,
    'password="' + "\\" * 400_000,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_hostile_text_takes_no_longer_than_its_length(text: str) -> None:
    start = time.process_time()
    redact_text(text)
    assert time.process_time() - start < 2.0  # 400 KB; a quadratic pattern takes minutes
