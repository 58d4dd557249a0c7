"""Every rule finds what was planted and leaves alone what only looks like it; what is found is also redacted."""

import random

import pytest

from imgaudit.secrets.matcher import TOKEN, find_named, find_tokens, proven
from imgaudit.secrets.rules import CONTENT_RULES, SECRET_RULES
from imgaudit.system.redact import redact_text
from tests.secrets.planted import NOT_TOKENS, TOKENS, crc62, drawn

PLANTED = [(id_, text) for id_, texts in TOKENS.items() for text in texts]
LOOKALIKES = [(id_, text) for id_, texts in NOT_TOKENS.items() for text in texts]
NOISE = "\n".join(
    f"func f{n}(a_{n} int) {{ return a_{n}-{n} // https://example.com/x_y-z?a=b#{n}" for n in range(2_000)
)


def found(text: str) -> list[tuple[str, int]]:
    data = text.encode()
    return [(rule, data.count(b"\n", 0, at) + 1) for at, rule, *_ in find_tokens(data)]


def test_every_rule_for_contents_is_planted() -> None:
    assert set(TOKENS) == set(NOT_TOKENS) == {rule.id for rule in CONTENT_RULES}


@pytest.mark.parametrize(("rule", "text"), PLANTED, ids=lambda value: value[:16])
def test_a_planted_secret_is_found_once_at_its_line(rule: str, text: str) -> None:
    assert found(text) == [(rule, 1)]
    assert found(f"{NOISE}\nkey: '{text}'\n{NOISE}") == [(rule, NOISE.count("\n") + 2)]


@pytest.mark.parametrize(("rule", "text"), LOOKALIKES, ids=lambda value: value[:16])
def test_what_looks_like_one_is_not_told(rule: str, text: str) -> None:
    assert found(text) == []
    assert found(f"x = '{text}'\n") == []


@pytest.mark.parametrize(("rule", "text"), PLANTED, ids=lambda value: value[:16])
def test_what_is_found_is_redacted_too(rule: str, text: str) -> None:
    assert found(redact_text(f"ENV X={text}")) == []
    known = proven(text)
    assert known is not None
    assert known.id == rule


def test_all_of_them_in_one_file() -> None:
    texts = [text for _, text in PLANTED]
    random.Random(1).shuffle(texts)
    # Of AWS an id and a secret that stand near each other are told once.
    places = found(f"\n{' ' * 600}\n".join(texts))
    assert sorted({rule for rule, _ in places}) == sorted(TOKENS)
    assert len(places) == len(PLANTED)


def test_one_character_off_is_no_token() -> None:
    """The checksum, not the alphabet, tells a token of GitHub."""
    token = crc62("ghp_")
    for at in range(4, len(token)):
        changed = token[:at] + ("a" if token[at] != "a" else "b") + token[at + 1 :]
        assert found(changed) == [], at


def test_ids_and_words() -> None:
    for rule in SECRET_RULES:
        assert rule.what[0].islower() or rule.what.startswith("an "), rule.id
        assert not rule.what.endswith(".")
    for rule in CONTENT_RULES:
        assert all(mark in (rule.content or "").replace("\\", "") or rule.content for mark in rule.marks)


NAMED = [
    "DB_PASSWORD=hT5kq9Wz3Lm",
    'password: "hT5kq9Wz3Lm"',
    '{"clientSecret":"9f8Ad7c6b5e4a3"}',
    "api-key = 'k3Jd9fQw2zLp'",
    "spring.datasource.password=hT5kq9Wz3Lm",
    "url: postgres://app:hT5kq9Wz@db.internal/app",
]
NOT_NAMED = [
    "password: changeme123",
    "password: ${DB_PASSWORD}",
    "password = <your password>",
    "password: {{ .Values.password1 }}",
    "password_file: /run/secrets/db1",
    "tokenUrl: https://sso.example.com/token1",
    "# password: hT5kq9Wz3Lm",
    "secretName: my-app-secrets-1",
    "password: correct horse",
    "token: kubernetes.io/tls",
    "url: postgres://app:password@db/app",
    "url: https://user:$PASS@host/",
    "max_tokens: 4096",
    'output_token: "StreamDescription.Shards[-1].ShardId"',
    "primary_key: id12345678",
    "secret: os.Getenv('SECRET1')",
    "passwordMinLength: 12345678901a",
]


@pytest.mark.parametrize("text", NAMED)
def test_a_named_value_is_found(text: str) -> None:
    places = list(find_named(f"a: b\n{text}\n".encode()))
    assert len(places) == 1
    assert places[0][3] == "medium"
    assert places[0][4] != TOKEN


@pytest.mark.parametrize("text", NOT_NAMED)
def test_a_value_that_stands_for_one_is_not(text: str) -> None:
    assert list(find_named(f"a: b\n{text}\n".encode())) == []


def test_a_minified_document() -> None:
    fields = ",".join(f'"name{n}":"{drawn(6)}"' for n in range(500))
    text = f'{{{fields},"db":{{"password":"hT5kq9Wz3Lm"}},{fields}}}'
    assert len(list(find_named(text.encode()))) == 1
