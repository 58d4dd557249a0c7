"""Rules in gitleaks' format: what is understood works as there, what is not is refused by name."""

import pathlib
import time

import pytest

from imgaudit.errors import UsageError
from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.secrets.collect import SecretCollector
from imgaudit.secrets.gitleaks import load_rules
from imgaudit.secrets.interface import Search
from imgaudit.secrets.re2 import Unsupported, to_python
from tests.secrets.planted import crc62

BASE = """
[[rules]]
id = "acme"
description = "a key of Acme"
regex = '''(?i)acme[_-]?key\\s{0,3}[=:]\\s{0,3}['"]?([a-z0-9]{16})\\b'''
keywords = ["ACME"]
"""
KEY = "acme_key = 'q7w8e9r0t1y2u3i4'"


def found(
    folder: pathlib.Path, rules: str, path: str = "/app/main.go", text: str = KEY
) -> list[tuple[str, int | None]]:
    file = folder / "rules.toml"
    file.write_text(rules)
    extra, key, _ = load_rules(str(file), DEFAULT_LIMITS)
    collector = SecretCollector(Search(True, extra, key), DEFAULT_LIMITS)
    data = text.encode()
    if collector.wants(path, len(data), data[:64]):
        collector.collect(path, memoryview(data))
    return [(hit.rule, hit.line) for hit in collector.contents.hits]


def test_a_rule_finds(tmp_path: pathlib.Path) -> None:
    assert found(tmp_path, BASE) == [("acme of rules.toml", 1)]
    assert found(tmp_path, BASE, text="x\n\n" + KEY.upper() + "\n" + KEY) == [
        ("acme of rules.toml", 3),
        ("acme of rules.toml", 4),
    ]
    assert found(tmp_path, BASE, text=KEY.replace("acme", "emca")) == []


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ("entropy = 3.0", 1),
        ("entropy = 4.5", 0),
        ("secretGroup = 1", 1),
        ("path = '''\\.go$'''", 1),
        ("path = '''\\.py$'''", 0),
        ("path = '''^app/'''", 1),  # relative to the root, as gitleaks has it
        ("[[rules.allowlists]]\nregexes = ['''q7w8''']", 0),
        ("[[rules.allowlists]]\nregexes = ['''acme''']", 1),  # the secret is held against it, not the line
        ("[[rules.allowlists]]\nregexTarget = 'match'\nregexes = ['''^acme''']", 0),
        ("[[rules.allowlists]]\nregexTarget = 'line'\nregexes = ['''^acme''']", 0),
        ("[[rules.allowlists]]\nstopwords = ['E9R0']", 0),
        ("[[rules.allowlists]]\npaths = ['''main''']", 0),
        ("[[rules.allowlists]]\ncondition = 'AND'\npaths = ['''main''']\nstopwords = ['zzz']", 1),
        ("[[rules.allowlists]]\ncommits = ['abc']", 1),
        ("[rules.allowlist]\npaths = ['''main''']", 0),
        ("[[allowlists]]\npaths = ['''main''']", 0),
        ("[allowlist]\npaths = ['''main''']", 0),
        ("[[allowlists]]\ntargetRules = ['other']\npaths = ['''main''']", 1),
        ("[extend]\nuseDefault = true", 1),
    ],
)
def test_what_a_rule_may_say(tmp_path: pathlib.Path, more: str, count: int) -> None:
    assert len(found(tmp_path, BASE + more)) == count


def test_a_rule_of_a_path_alone(tmp_path: pathlib.Path) -> None:
    rules = "[[rules]]\nid = 'p'\npath = '''\\.acme$'''\n"
    assert found(tmp_path, rules, "/x/y.acme") == [("p of rules.toml", None)]
    assert found(tmp_path, rules, "/x/y.acm") == []
    allowed = rules + "[[rules.allowlists]]\npaths = ['''^x/''']\n"
    assert found(tmp_path, allowed, "/x/y.acme") == []


def test_a_rule_without_keywords_is_tried_everywhere(tmp_path: pathlib.Path) -> None:
    rules = BASE.replace('keywords = ["ACME"]', "")
    for before in (0, 5_000, 100_000):
        assert len(found(tmp_path, rules, text="x\n" * before + KEY)) == 1


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ("", "holds no [[rules]]"),
        ("[[rules]]\nregex = 'a'", "no id"),
        ("[[rules]]\nid = 'a'", "neither regex nor path"),
        (BASE + BASE, "one id"),
        (BASE + "speed = 1", "speed is not understood"),
        ("speed = 1\n" + BASE, "speed is not understood"),
        (BASE + "[[rules.required]]\nid = 'x'", "required is not carried over"),
        (BASE + "[allowlist]\nregexes = ['''\\pL''']", "allowlist"),
        (BASE + "[[rules]]\nid = 'b'\nregex = '''a'''\nspeed = 1", "rule b: speed"),
        (BASE + "[extend]\npath = 'x.toml'", "only useDefault"),
        (BASE + "secretGroup = 2", "secretGroup 2"),
        (BASE + "entropy = 'high'", "entropy"),
        (BASE.replace('["ACME"]', '"ACME"'), "keywords"),
        ("[[rules]]\nid = 'a'\nregex = '''(?=x)'''", "(?=x is none of Go's groups"),
        ("[[rules]]\nid = 'a'\nregex = '''(a+)+b'''", "a repetition within a repetition"),
        ("[[rules]]\nid = 'a'\nregex = '''.*a.*b.*c'''", "repetitions without an end"),
        ("[[rules]]\nid = 'a'\nregex = '''('''", "not closed"),
        (BASE + "[[rules.allowlists]]\nregexTarget = 'file'", "regexTarget"),
        ("a = [", "no TOML"),
        ("rules = 1", "rules is no list"),
    ],
)
def test_what_is_refused_is_named(tmp_path: pathlib.Path, rules: str, reason: str) -> None:
    with pytest.raises(UsageError) as error:
        found(tmp_path, rules)
    assert reason in str(error.value)
    assert "rules.toml" in str(error.value)


OTHER = "[[rules]]\nid = 'b'\nregex = 'a'\n"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (OTHER.replace("'a'", "'(?U)a+'"), "the flag U"),
        (OTHER.replace("'a'", "'(a+)+b'"), "may take for ever"),
        (OTHER + "[[rules.required]]\nid = 'acme'", "required"),
        (OTHER + "skipReport = true", "skipReport"),
        (OTHER + "[[rules.allowlists]]\nregexes = ['\\pL']", "\\p"),
        (OTHER.replace("regex = 'a'", "path = '\\pL'"), "\\p"),
        (OTHER + "[[allowlists]]\ntargetRules = ['b']\nregexes = ['\\pL']", "allowlist"),
    ],
)
def test_a_rule_that_cannot_be_used_is_left_out_and_named(tmp_path: pathlib.Path, more: str, reason: str) -> None:
    """The others are tried; alone, the file is refused."""
    assert found(tmp_path, BASE + more) == [("acme of rules.toml", 1)]
    given = load_rules(str(tmp_path / "rules.toml"), DEFAULT_LIMITS)
    ((id_, why),) = given.untried
    assert (id_, [rule.id for rule in given.rules]) == ("b", ["acme of rules.toml"])
    assert reason in why
    with pytest.raises(UsageError, match="no rule of it can be used"):
        found(tmp_path, more)


def test_a_given_rule_with_too_much_to_do_hides_nothing_of_others(tmp_path: pathlib.Path) -> None:
    (tmp_path / "rules.toml").write_text(BASE + OTHER + "keywords = ['a=']\n")
    given = load_rules(str(tmp_path / "rules.toml"), DEFAULT_LIMITS)
    collector = SecretCollector(Search(True, given.rules, given.key), DEFAULT_LIMITS)
    data = f"{KEY}\ntoken: {crc62('ghp_')}\n{'a=' * 3_000}".encode()
    assert collector.wants("/x.txt", len(data), data[:64])
    collector.collect("/x.txt", memoryview(data))
    assert {hit.rule for hit in collector.contents.hits} == {"acme of rules.toml", "github-token"}
    assert collector.contents.crowded == 1


def test_what_was_not_tried_goes_with_what_was_found() -> None:
    assert SecretCollector(Search(True, (), "k", ("b",)), DEFAULT_LIMITS).contents.untried == ("b",)


def test_files_that_cannot_be_read(tmp_path: pathlib.Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(UsageError):
            load_rules(str(path), DEFAULT_LIMITS)
    (tmp_path / "big.toml").write_bytes(b"#" * (DEFAULT_LIMITS.settings + 1))
    with pytest.raises(UsageError, match="limit"):
        load_rules(str(tmp_path / "big.toml"), DEFAULT_LIMITS)
    with pytest.raises(UsageError, match="limit"):
        load_rules("/dev/zero", DEFAULT_LIMITS)


def test_a_key_of_thousands_of_parts_is_refused_at_once(tmp_path: pathlib.Path) -> None:
    """Python's reader of TOML takes a time that grows with the square of their number."""
    start = time.process_time()
    for part in ("a.", '"a" . ', "'a'."):
        (tmp_path / "deep.toml").write_text(f"[[rules]]\nid='x'\n{part * 50_000}b=1\n")
        with pytest.raises(UsageError, match="too many parts"):
            load_rules(str(tmp_path / "deep.toml"), DEFAULT_LIMITS)
    assert time.process_time() - start < 10.0


MATCHES = [
    (r"\Aab\z", ["ab"], ["ab\n", "xab"]),
    (r"^ab$", ["ab"], ["ab\n", "x\nab"]),
    (r"(?m)^ab$", ["ab", "x\nab\ny"], ["abc"]),
    (r"a(?i)b|c", ["ab", "aB", "C"], ["AB"]),
    (r"(a(?i)b)c", ["aBc"], ["aBC"]),
    (r"(?i)a(?-i:B)", ["AB", "aB"], ["ab"]),
    (r"(?s)a.b", ["a\nb"], []),
    (r"a.b", ["axb"], ["a\nb"]),
    (r"(?P<x>a)(?<y>b)", ["ab"], []),
    (r"[[:alpha:]_]+[[:digit:]]", ["a_1"], ["1"]),
    (r"[]a]", ["]", "a"], ["b"]),
    (r"[^]a]", ["b"], ["]", "a"]),
    (r"[a[]", ["["], ["b"]),
    (r"[&&||~~]", ["&", "|", "~"], ["c"]),
    (r"\Qa.b\E+", ["a.b", "a.bbb"], ["axb"]),
    (r"\x41\x{42}", ["AB"], []),
    (r"a{,2}", ["a{,2}"], ["aa"]),
    (r"a{2}", ["aa"], ["a"]),
    (r"x\.y\-z\/", ["x.y-z/"], ["xay-z/"]),
    ("é+", ["é", "éé"], ["e"]),
    (r"(?:[a-z]+\.)+com", ["a.b.com"], ["acom"]),
    # One branch is taken, so that many may have a repetition without an end.
    (r"^(?i:a+|b+|-+|\.+)$", ["aaa", "B", "--", "..."], ["ab", "a ", "a.", ""]),
    (r"x(?:a*b|c*d|e*f).*g!", ["xbg!", "xccd g!", "xfgg!"], ["xag!", "xb!"]),
    (r"^[ab]+(?:a+|b+)c*b?d", ["abacd", "bbbd"], ["xabad", "ad"]),  # one more where it is tried at one place only
]


@pytest.mark.parametrize(("pattern", "yes", "no"), MATCHES)
def test_go_patterns_match_as_in_go(pattern: str, yes: list[str], no: list[str]) -> None:
    regex, _ = to_python(pattern)
    assert all(regex.search(text.encode()) for text in yes)
    assert not any(regex.search(text.encode()) for text in no)


@pytest.mark.parametrize(
    "pattern",
    [r"(?=a)", r"(?!a)", r"(?<=a)", r"(a)\1", r"\pL", r"\p{Greek}", r"(?U)a+", r"[[:^alpha:]]", r"[é]", r"\C", r"*a",
     r"a**", r"a++", r"(?>a)", r"a\\"[:-1], "(", ")", "[a", r"(a*)*", r"(a+b?)+", r"([a-z]{1,50}){2,}", r"\x{e9}",
     r"a*b?c*d?e*f?", r"(?:a*|b)(?:[ac]*|d)(?:[ae]*|f)g", r"^a*b?c*d?e*f?g*h?", r"(?m)^a*b?c*d?e*f?",
     r"^a*b?c*d?e*f?|g"],
)  # fmt: skip
def test_what_cannot_be_carried_over(pattern: str) -> None:
    with pytest.raises(Unsupported):
        to_python(pattern)


@pytest.mark.thorough
@pytest.mark.parametrize("text", ["acme=" * 1_900, "acme = " * 1_900, "acme" + "a" * 80_000, "acme " + " " * 80_000])
@pytest.mark.parametrize(
    "regex",
    [
        r"(?i)acme[\w .=-]{0,50}?([a-z0-9]{16,})!",
        r"acme.*=.*!",
        r"(?:[a-z]+ )+x!",
        r"[a-z=]+.*acme!",
        r"(?:a.*|ac.*|acm.*)(?:c.*|m.*|e.*)!",
    ],
)
def test_hostile_content_is_bounded(tmp_path: pathlib.Path, regex: str, text: str) -> None:
    start = time.process_time()
    found(tmp_path, f"[[rules]]\nid = 'a'\nregex = '''{regex}'''\nkeywords = ['acme']\n", text=text)
    assert time.process_time() - start < 30.0
