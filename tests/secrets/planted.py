"""Secrets made up here, each with the structure that its rule asks for. None stands in this file, so that nobody's
scanner stumbles over it; they are the same in every run."""

import base64
import random
import string
import zlib

DICE = random.Random(20260101)
ALNUM = string.ascii_letters + string.digits
BASE64 = ALNUM + "+/"
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def drawn(size: int, alphabet: str = ALNUM) -> str:
    return "".join(DICE.choice(alphabet) for _ in range(size))


def crc62(prefix: str) -> str:
    """A token of GitHub or npm."""
    body = drawn(30)
    number, text = zlib.crc32(body.encode()), ""
    while number:
        number, digit = divmod(number, 62)
        text = _BASE62[digit] + text
    return prefix + body + text.rjust(6, "0")


def pem(kind: str = "RSA ", body: bytes | None = None, *, block: str = "") -> str:
    """A PEM block around a DER sequence of random bytes, or around body."""
    if body is None:
        inner = DICE.randbytes(300)
        body = b"\x30\x82" + len(inner).to_bytes(2, "big") + inner
    text = base64.b64encode(body).decode()
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN {kind}PRIVATE KEY{block}-----\n{lines}\n-----END {kind}PRIVATE KEY{block}-----\n"


OPENSSH = b"openssh-key-v1\0\0\0\0\x04none\0\0\0\x04none"

TOKENS: dict[str, list[str]] = {
    "aws-access-key-id": [
        f"aws_access_key_id = AKIAQ{drawn(15, string.ascii_uppercase + '234567')}\n"
        f"aws_secret_access_key = {drawn(34, BASE64)}aB3xY9\n"
    ],
    "github-token": [crc62(prefix) for prefix in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")],
    "github-fine-grained-token": [f"github_pat_{drawn(22)}_{drawn(59)}"],
    "gitlab-token": [f"glpat-{drawn(20)}", f"glrt-{drawn(20)}"],
    "slack-token": [
        f"xoxb-{drawn(12, '123456789')}-{drawn(13, '123456789')}-{drawn(24)}",
        f"xapp-1-A{drawn(10, string.ascii_uppercase)}-{drawn(13, '123456789')}-{drawn(64, 'abcdef0123456789')}",
    ],
    "slack-webhook": [f"https://hooks.slack.com/services/T{drawn(9, 'ABC123')}/B{drawn(9, 'DEF456')}/{drawn(24)}"],
    "google-api-key": [f"AIza{drawn(35, ALNUM + '-_')[:-1]}x"],
    "stripe-key": [f"sk_live_{drawn(24)}", f"rk_live_{drawn(99)}"],
    "sendgrid-key": [f"SG.{drawn(22)}.{drawn(43)}"],
    "npm-token": [crc62("npm_")],
    "pypi-token": [
        "pypi-" + base64.urlsafe_b64encode(b"\x02\x01\x08pypi.org\x00" + DICE.randbytes(90)).decode().rstrip("=")
    ],
    "docker-token": [f"dckr_pat_{drawn(27)}"],
    "digitalocean-token": [f"dop_v1_{drawn(64, 'abcdef0123456789')}"],
    "vault-token": [f"hvs.CAES{drawn(91)}"],
    "openai-key": [f"sk-{drawn(20)}T3BlbkFJ{drawn(20)}", f"sk-proj-{drawn(74)}T3BlbkFJ{drawn(74)}"],
    "anthropic-key": [f"sk-ant-api03-{drawn(93)}AA"],
    "hugging-face-token": [f"hf_{drawn(34, string.ascii_letters)}"],
    "azure-account-key": [f"AccountName=x;AccountKey={base64.b64encode(DICE.randbytes(64)).decode()};"],
    "age-secret-key": [f"AGE-SECRET-KEY-1{drawn(58, 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L')}"],
    "private-key": [
        pem(),
        pem("EC "),
        pem(""),
        pem("OPENSSH ", OPENSSH + DICE.randbytes(200)),
        pem("PGP ", b"\x95" + DICE.randbytes(200), block=" BLOCK"),
        '{"private_key": "' + pem("").replace("\n", "\\n") + '"}',
    ],
}
"""By rule: text that holds a secret, as it stands in a file."""

NOT_TOKENS: dict[str, list[str]] = {
    "aws-access-key-id": [
        "AKIA" + "IOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        f"AKIAQ{drawn(15, string.ascii_uppercase + '234567')}",  # no secret near
        f"AKIAQ{drawn(15, string.ascii_uppercase + '234567')} sha1 {drawn(40, 'abcdef0123456789')}",
    ],
    "github-token": [
        "ghp_" + "x" * 36,
        "ghp_" + drawn(36),  # the checksum is wrong
        crc62("xghp_"),
    ],
    "github-fine-grained-token": ["github_pat_" + "A" * 22 + "_" + "A" * 59],
    "gitlab-token": ["glpat-" + "x" * 20, "glpat-EXAMPLE" + drawn(13)],
    "slack-token": ["xoxb-not-a-real-token", "xoxb-" + "0" * 12 + "-" + "0" * 12 + "-" + "x" * 24],
    "slack-webhook": ["https://hooks.slack.com/services/T00000000/B00000000/" + "X" * 24],
    "google-api-key": ["AIza" + "0" * 35],
    "stripe-key": [f"sk_test_{drawn(24)}", "sk_live_" + "x" * 24],
    "sendgrid-key": [f"SG.{drawn(20)}.{drawn(43)}"],
    "npm-token": ["npm_" + drawn(36), "npm_config_registry"],
    "pypi-token": ["pypi-AgEIcHlwaS5vcmc" + "!" * 60, "pypi-AgE" + drawn(80)],
    "docker-token": ["dckr_pat_" + "a" * 27],
    "digitalocean-token": ["dop_v1_" + "0" * 64],
    "vault-token": ["hvs.short", f"hvs.{'a' * 95}"],
    "openai-key": ["sk-" + "a" * 20 + "T3BlbkFJ" + "a" * 20],
    "anthropic-key": ["sk-ant-api03-xxx"],
    "hugging-face-token": ["hf_" + "a" * 34, "hf_hub_download_with_a_very_long_name_x"],
    "azure-account-key": [
        "AccountKey=" + base64.b64encode(DICE.randbytes(20)).decode(),
        "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1" + "OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    ],
    "age-secret-key": ["AGE-SECRET-KEY-1" + "Q" * 58],
    "private-key": [
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIE" * 40 + "\n-----END RSA PRIVATE KEY-----",
        pem().replace("BEGIN RSA PRIVATE", "BEGIN RSA TESTING"),
        pem("ENCRYPTED "),
        pem("RSA ").replace("-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1),
        pem("OPENSSH ", b"openssh-key-v1\0\0\0\0\x0aaes256-ctr" + DICE.randbytes(200)),
        'if strings.Contains(text, "-----BEGIN PRIVATE KEY-----") {',
    ],
}
"""By rule: what looks like it and is none."""
