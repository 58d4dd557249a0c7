"""What of a layer is searched, what is not, and that it is said."""

import dataclasses
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.secrets import collect
from imgaudit.secrets.collect import SecretCollector, TimeAllowance
from imgaudit.secrets.interface import Contents, ExtraRule, Search
from imgaudit.secrets.matcher import Crowded
from tests.secrets.planted import TOKENS, crc62, drawn, pem

ALL = Search(contents=True)


def searched(
    files: dict[str, bytes | str], search: Search = ALL, limits: Limits = DEFAULT_LIMITS, spent: float = 0.0
) -> Contents:
    allowance = TimeAllowance(limits)
    allowance.spend(spent)
    collector = SecretCollector(search, limits, allowance)
    for path, text in files.items():
        data = text.encode() if isinstance(text, str) else text
        if collector.wants(path, len(data), data[:64]):
            collector.collect(path, memoryview(data))
    return collector.contents


def places(contents: Contents) -> list[tuple[str, str]]:
    return [(hit.path, hit.rule) for hit in contents.hits]


def test_without_the_search_only_names_and_first_lines_count() -> None:
    token = crc62("ghp_")
    files: dict[str, bytes | str] = {"/app/main.py": token, "/app/.npmrc": f"//r/:_authToken={token}", "/app/k": pem()}
    found = searched(files, Search())
    assert not found.searched
    assert places(found) == [("/app/.npmrc", "github-token"), ("/app/k", "private-key")]
    assert all(hit.named for hit in found.hits)
    assert len(searched(files).hits) == 3


def test_what_is_no_text_is_not_searched() -> None:
    token = crc62("ghp_").encode()
    for head in (b"\x7fELF", b"PK\x03\x04", b"\x1f\x8b\x08", b"!<arch>\n", b"\x00", b"%PDF-1.4", b"a" * 100 + b"\0"):
        found = searched({"/x": head + token})
        assert (found.hits, found.too_large) == ((), 0)


@pytest.mark.parametrize(
    "path",
    ["/go/pkg/mod/example.com/x@v1.0.0/testdata/k.go", "/src/tests/a.py", "/src/x_test.go", "/app/README.md",
     "/app/docs/a.txt", "/usr/share/man/man1/x.1", "/src/test_data/a.go", "/src/testcerts/k.pem",
     "/src/keys_test_data.go", "/src/api/swagger.yaml", "/src/models/examples-1.json"],
)  # fmt: skip
def test_what_is_published_does_not_count(path: str) -> None:
    assert searched({path: crc62("ghp_") + "\n" + pem()}).hits == ()


@pytest.mark.parametrize("path", ["/latest/a.go", "/src/contest/a.go", "/src/attestation.go", "/app/testament.yaml"])
def test_other_words_are_no_tests(path: str) -> None:
    assert len(searched({path: crc62("ghp_")}).hits) == 1


def test_fetched_code_may_hold_keys_but_no_tokens() -> None:
    files: dict[str, bytes | str] = {
        "/go/pkg/mod/example.com/x@v1.0.0/k.go": crc62("ghp_") + "\n" + pem(),
        "/usr/local/go/src/crypto/x509/platform_root_key.pem": pem("EC "),
        "/opt/tools/go/src/crypto/x509/platform_root_key.pem": pem("EC "),
    }
    assert places(searched(files)) == [("/go/pkg/mod/example.com/x@v1.0.0/k.go", "github-token")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_text_as_windows_writes_it(encoding: str) -> None:
    text = f"a: 1\r\ntoken: {crc62('ghp_')}\r\n"
    mark = "" if encoding == "utf-16" else "\ufeff"
    data = (mark + text).encode(encoding)
    (hit,) = searched({"/a.yaml": data}).hits
    assert (hit.rule, hit.line) == ("github-token", 2)
    assert searched({"/a.yaml": data[2:]}).hits == ()  # nothing says what it is
    searched({"/a.yaml": data[:-1], "/b": data[:3], "/c": data[:2]})


def test_a_shells_history_is_searched_like_settings() -> None:
    text = "ls\nexport API_TOKEN=hT5kq9Wz3Lm\n"
    assert places(searched({"/root/.bash_history": text, "/root/notes": text})) == [
        ("/root/.bash_history", "named-secret")
    ]


def test_the_id_and_secret_of_aws_without_blanks() -> None:
    """As a shell sets them: told once, at the id."""
    key, secret = "AKIAQ" + drawn(15, "ABCDEFGHIJ234567"), drawn(34) + "aB3xY9"
    text = f"export AWS_ACCESS_KEY_ID={key}\nexport AWS_SECRET_ACCESS_KEY={secret}\n"
    (hit,) = searched({"/start.sh": text}).hits
    assert (hit.rule, hit.line) == ("aws-access-key-id", 1)


def test_names_of_values_count_in_settings_only() -> None:
    text = "password: hT5kq9Wz3Lm\n"
    assert places(searched({"/a.yaml": text, "/b.py": text, "/c.sample.yaml": text})) == [("/a.yaml", "named-secret")]


def test_one_hit_a_line_the_surest() -> None:
    token = crc62("ghp_")
    assert places(searched({"/a.yaml": f"token: {token}\n"})) == [("/a.yaml", "github-token")]


def test_files_over_the_limit_are_counted() -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, secret_file=100)
    found = searched({"/a": "x" * 101, "/b": "x" * 100, "/c": b"\0" * 101}, limits=limits)
    assert found.too_large == 1


def test_hits_are_limited_and_the_rest_counted() -> None:
    text = "\n".join(crc62("ghp_") for _ in range(30))
    found = searched({"/a": text})
    assert (len(found.hits), found.dropped) == (20, 10)
    limits = dataclasses.replace(DEFAULT_LIMITS, secret_hits=25)
    found = searched({"/a": text, "/b": text}, limits=limits)
    assert (len(found.hits), found.dropped) == (25, 35)


def test_nothing_is_read_once_the_time_is_over() -> None:
    found = searched({"/a": crc62("ghp_")}, spent=DEFAULT_LIMITS.secret_seconds)
    assert found.stopped
    assert found.hits == ()


def test_no_value_is_kept() -> None:
    for rule, texts in TOKENS.items():
        for text in texts:
            found = searched({"/a": text})
            assert [hit.rule for hit in found.hits] == [rule]
            secret = max(text.split(), key=len)
            assert secret[8:24] not in repr(found)


HOSTILE = {
    "prefixes": b"ghp_" * 200_000,
    "AKIA": b"AKIA" * 200_000,
    "almost AKIA": (b"AKIA" + b"A" * 16 + b" ") * 40_000,
    "keys": b"-----BEGIN RSA PRIVATE KEY-----\n" * 30_000,
    "key bodies": (b"-----BEGIN RSA PRIVATE KEY-----" + b"MIIE" * 8_000 + b"-----END") * 25,
    "openai": b"sk-" * 100_000 + b"T3BlbkFJ" * 60_000,
    "jwt": b"hvs." * 200_000,
    "underscores": b"_" * 900_000,
    "dashes": b"-" * 900_000,
    "names": b"password" * 100_000,
    "assignments": b"password=" * 100_000,
    "dotted": b"a.b-" * 100_000 + b"token" + b" " * 300_000 + b"=x",
    "urls": b"://a:" * 150_000,
    "quotes": b'password="' * 90_000,
    "blank lines": b"\n" * 900_000,
    "blanks": b" " * 900_000,
    "env": b"A_KEY = " * 100_000,
    "env lines": b"A_KEY=x\n" * 100_000,
    "colons": b"a:" * 400_000,
    "entropy": drawn(800_000).encode(),
    "wrapped": b"LS0tLS1CRUdJTiBQUklWQVRFIEtFWS" * 30_000,
    "wrapped apart": (b"LS0tLS1CRUdJTiBQUklWQVRFIEtFWS" + b"LS0t" * 30 + b"=\n") * 5_000,
    "putty": b"PuTTY-User-Key-File-3: x\nEncryption: none\n" * 20_000,
    "telegram": b"12345678:AA" * 80_000,
    "azure": b"aBc8Q~aaaa" * 90_000,
    "aws names": b"SECRET_ACCESS_KEY=" * 50_000,
    "cr": b"A_KEY=x\r" * 100_000,
    "places": b"password=hT5kq9Wz3Lm\r" * 43_000,  # all of them in one line
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "path",
    [
        "/.env",
        *(
            pytest.param(path, marks=pytest.mark.thorough)
            for path in ("/a.go", "/a.yaml", "/.npmrc", "/.pgpass", "/.kube/config", "/a.tfvars")
        ),
    ],
)
def test_hostile_content_costs_no_more_than_its_length(name: str, path: str) -> None:
    start = time.process_time()
    searched({path: HOSTILE[name]})
    assert time.process_time() - start < 15.0  # of 900 KB; a quadratic pattern takes minutes


def test_marks_in_masses_are_said() -> None:
    assert searched({"/a.go": b"AKIA " * 110_000}).crowded == 1
    assert searched({"/a.go": b"-----BEGIN PRIVATE KEY-----" * 2_100}).crowded == 1


def test_a_given_rule_that_gives_up_hides_nothing() -> None:
    def find(data: bytes, lower: bytes, path: str) -> list[int]:
        raise Crowded

    rules = (
        ExtraRule("slow", "x", (), lambda path: True, find),
        ExtraRule("quick", "x", (b"acme",), lambda path: True, lambda data, lower, path: [data.index(b"acme")]),
    )
    found = searched({"/a.txt": f"{crc62('ghp_')}\nacme\n"}, Search(True, rules))
    assert places(found) == [("/a.txt", "github-token"), ("/a.txt", "quick")]
    assert found.crowded == 1


def test_a_file_that_takes_given_rules_too_long_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "_GIVEN_SECONDS", -1.0)
    rule = ExtraRule("acme", "x", (), lambda path: True, lambda data, lower, path: [0])
    found = searched({"/a.txt": f"\n{crc62('ghp_')}"}, Search(True, (rule,)))
    assert places(found) == [("/a.txt", "github-token")]
    assert found.crowded == 1


def test_code_and_settings_full_of_marks_are_searched() -> None:
    """A dissector of Wireshark names thousands of variables `hf_...`, a lock file thousands of URLs."""
    code = "static int hf_smb_tree_connect_and_more_of_the_same_kind;\n" * 9_000
    lock = '{"resolved": "https://registry.npmjs.org/x/-/x-1.0.0.tgz", "tokens": 1},\n' * 9_000
    found = searched({"/x.c": code + crc62("ghp_"), "/package-lock.json": lock + crc62("npm_")})
    assert found.crowded == 0
    assert places(found) == [("/x.c", "github-token"), ("/package-lock.json", "npm-token")]


def library(root: pathlib.Path, at: str) -> Contents:
    collector = SecretCollector(ALL, DEFAULT_LIMITS)
    count = 0
    for file in sorted(root.rglob("*")):
        path = f"{at}/{file.relative_to(root)}"
        if file.is_symlink() or not file.is_file() or "/site-packages/" in path:
            continue
        data = file.read_bytes()
        if collector.wants(path, len(data), data[:64]):
            collector.collect(path, memoryview(data))
            count += 1
    assert count > 1_000
    return collector.contents


@pytest.mark.thorough
def test_no_hit_in_pythons_library() -> None:
    root = pathlib.Path(sys.base_prefix, "lib", f"python3.{sys.version_info.minor}")
    if not (root / "os.py").is_file():
        pytest.skip(f"needs Python's library in {root}")
    found = library(root, f"/usr/local/lib/{root.name}")
    assert (found.hits, found.crowded) == ((), 0)


@pytest.mark.thorough
@pytest.mark.go
def test_no_hit_in_gos_library() -> None:
    if shutil.which("go") is None:
        pytest.skip("needs a Go toolchain: go is not on PATH")
    said = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True)
    found = library(pathlib.Path(said.stdout.strip(), "src"), "/usr/local/go/src")
    assert (found.hits, found.crowded) == ((), 0)
