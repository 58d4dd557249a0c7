"""The action and the examples as they run: steps as scripts, against an image built here and a GitHub made of files."""

import json
import pathlib
import re
import sys
from typing import Any

import pytest

from imgaudit.configuration import load_settings
from tests.support import yaml
from tests.support.images import Image, Layer, file, oci_archive
from tests.support.runner import Runner, evaluate, fill, read_outputs

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORKFLOWS = [*sorted((ROOT / "examples").glob("*.y*ml")), ROOT / "action.yml"]
SHA, FORK = "c0ffee" + "0" * 34, "someone/shop"

# `gh api`, its comments in a file, 30 or 100 a page. What --jq selects by is looked for in its words.
GH = """
import json, os, pathlib, sys, urllib.parse
state = pathlib.Path(os.environ["FAKE_GITHUB"])
data = json.loads(state.read_text())
arguments = sys.argv[1:]
assert arguments.pop(0) == "api" and os.environ["GH_TOKEN"] == "token"
options = {"--method": "GET"}
fields, rest = {}, []
while arguments:
    word = arguments.pop(0)
    if word in ("--method", "--jq"):
        options[word] = arguments.pop(0)
    elif word in ("-f", "-F"):
        key, _, value = arguments.pop(0).partition("=")
        fields[key] = pathlib.Path(value[1:]).read_text() if word == "-F" and value.startswith("@") else value
    elif word in ("--paginate", "--silent"):
        options[word] = ""
    else:
        rest.append(word)
(path,) = rest
path, _, query = path.partition("?")
method, jq = options["--method"], options.get("--jq", "")
if method != "GET" and data["read-only"]:
    sys.exit("HTTP 403: Resource not accessible by integration")
if path == "repos/shop/shop/pulls":
    assert fields["state"] == "open" and ".head.sha == env.HEAD_SHA" in jq
    for pull in data["pulls"]:
        if pull["head"] == fields["head"] and pull["sha"] == os.environ["HEAD_SHA"]:
            print(pull["number"])
elif path == "repos/shop/shop/issues/7/comments" and method == "GET":
    assert ".user.login == env.AUTHOR" in jq and ".body | startswith(env.MARKER)" in jq
    size = int(urllib.parse.parse_qs(query).get("per_page", ["30"])[0])
    shown = data["comments"] if "--paginate" in options else data["comments"][:size]
    for comment in shown:
        if comment["author"] == os.environ["AUTHOR"] and comment["body"].startswith(os.environ["MARKER"]):
            print(comment["id"])
elif path == "repos/shop/shop/issues/7/comments":
    assert len(fields["body"]) <= 65536
    author = "github-actions[bot]"
    data["comments"].append({"id": len(data["comments"]) + 1, "author": author, "body": fields["body"]})
elif method == "PATCH" and path.startswith("repos/shop/shop/issues/comments/"):
    data["comments"][int(path.rpartition("/")[2]) - 1]["body"] = fields["body"]
else:
    sys.exit(f"HTTP 404: {method} {path}")
state.write_text(json.dumps(data))
"""
DOCKER = """
import os, shutil, sys
if sys.argv[1:3] == ["buildx", "build"]:
    output = sys.argv[sys.argv.index("--output") + 1]
    assert output.startswith("type=oci,dest=")
    shutil.copy(os.environ["FAKE_IMAGE"], output.removeprefix("type=oci,dest="))
"""


class GitHub:
    """A repository whose jobs run in folders below one."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self.state, self.tools = folder, folder / "state.json", folder / "tools"
        self.tools.mkdir()
        for name, source in (("gh", GH), ("docker", DOCKER)):
            self._program(self.tools / name, f"#!{sys.executable}\n{source}")
        pulls = [{"number": 9, "head": "someone:fix", "sha": "other"}, {"number": 7, "head": "someone:fix", "sha": SHA}]
        comments = [{"id": n + 1, "author": "someone", "body": "hello"} for n in range(120)]
        self.write({"read-only": False, "pulls": pulls, "comments": comments})

    def write(self, data: dict[str, Any]) -> None:
        self.state.write_text(json.dumps(data))

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.state.read_text())
        return found

    @property
    def comments(self) -> list[str]:
        return [comment["body"] for comment in self.data["comments"] if comment["author"] == "github-actions[bot]"]

    @staticmethod
    def _program(path: pathlib.Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def runner(self, name: str, event: dict[str, Any], *, config: bool = True) -> Runner:
        """A machine with a checkout, on which imgaudit is installed already: that is `make package`'s to try."""
        folder = self.folder / name
        program = f'#!/bin/sh\nexec "{sys.executable}" -m imgaudit "$@"\n'
        self._program(folder / "temp" / "imgaudit" / "venv" / "bin" / "imgaudit", program)
        if config:
            (folder / "imgaudit.toml").write_text((ROOT / "examples" / "imgaudit.toml").read_text())
            (folder / "baseline.json").write_text((self.folder / "baseline.json").read_text())
        environment = {
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.folder),
            "FAKE_GITHUB": str(self.state),
            "FAKE_IMAGE": str(self.folder / "app.tar"),
            "GITHUB_REPOSITORY": "shop/shop",
            "GITHUB_WORKFLOW": "image",
            "GITHUB_JOB": "image",
        }
        github = {"repository": "shop/shop", "token": "token", "event": event}
        return Runner(folder, self.tools, ROOT, github, environment)


def image(path: pathlib.Path, size: int, name: str = "/server") -> None:
    noise = b"".join(n.to_bytes(4, "big") * 3 for n in range(size // 12))  # of which little can be compressed
    layers = [Layer.of(file("/etc/passwd", "root:x:0:0::/:\n")), Layer.of(file(name, noise, 0o755))]
    oci_archive(path, Image(layers, {"Entrypoint": ["/server"]}))


@pytest.fixture
def github(tmp_path: pathlib.Path, cli: Any) -> GitHub:
    found = GitHub(tmp_path)
    image(tmp_path / "app.tar", 3_000_000)
    written = cli("baseline", f"app=oci-archive:{tmp_path}/app.tar", "--write", tmp_path / "baseline.json", "-q")
    assert written.code == 0, written.err
    return found


def pull(repository: str = "shop/shop") -> dict[str, Any]:
    return {"pull_request": {"number": 7, "head": {"repo": {"full_name": repository}}}}


def test_a_pull_request_that_passes(github: GitHub) -> None:
    runner = github.runner("one", pull())
    runner.job(ROOT / "examples" / "github.yml")
    assert not runner.failed, runner.log
    (comment,) = github.comments
    assert comment.splitlines()[1].startswith("**✓ Passed: ")
    assert runner.summary.splitlines()[0] == comment.splitlines()[1]
    assert (github.folder / "artifacts" / "report.json").is_file()


def test_a_pull_request_that_grew_fails_and_its_comment_is_updated(github: GitHub) -> None:
    runner = github.runner("one", pull())
    runner.job(ROOT / "examples" / "github.yml")
    image(github.folder / "app.tar", 9_000_000)
    again = github.runner("two", pull())
    again.job(ROOT / "examples" / "github.yml")
    assert again.failed
    (comment,) = github.comments  # the first one, written anew
    first = comment.splitlines()[1]
    assert first.startswith("**✗ Failed: ")
    for words in ("download of app is", "over 500 kB and 5 %", "largest cause: "):
        assert words.lower() in first.lower()
    assert again.summary.splitlines()[0] == first
    assert re.search(r"^::stop-commands::([0-9a-f]{32})$.*^Failed: .*^::\1::$", again.log, re.S | re.M)


def test_outputs_of_the_action(github: GitHub) -> None:
    runner = github.runner("one", pull())
    image(runner.folder / "app.tar", 9_000_000)
    outputs: dict[str, str] = {}
    given = {"images": "app=oci-archive:app.tar\n", "baseline": "baseline.json"}
    assert not runner._action(given, outputs)
    assert (outputs["passed"], outputs["exit-code"]) == ("false", "1")
    report = json.loads(pathlib.Path(outputs["report"]).read_text())
    assert outputs["download"] == str(report["images"][0]["size"]["download"])
    assert outputs["delta-rootfs"] == str(report["comparison"]["variants"][0]["delta"]["rootfs"]) == "6000000"
    assert json.loads(outputs["images"])["app"]["delta"]["rootfs"] == 6_000_000
    score = report["images"][0]["score"]
    assert (outputs["score"], outputs["grade"], outputs["vulnerabilities"]) == (str(score["value"]), score["grade"], "")
    assert pathlib.Path(outputs["comment-file"]).read_text().startswith("<!-- imgaudit: image/image,app:")
    assert github.comments == []


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        ({"images": ""}, "2", "REF"),
        ({"images": "app=oci-archive:gone.tar"}, "4", "gone.tar"),
        ({"images": "app=oci-archive:app.tar", "baseline": "gone.json"}, "2", "gone.json"),
        ({"images": "app=oci-archive:app.tar", "config": "gone.toml"}, "2", "gone.toml"),
        ({"images": "app=oci-archive:app.tar", "arguments": "--no-such-thing"}, "2", "--no-such-thing"),
        ({"images": "$(touch owned)\n`touch owned`\n'; touch owned;"}, "2", ""),
        ({"images": "--help"}, "2", "is no image name"),
    ],
)
def test_what_goes_wrong_fails_and_is_said(github: GitHub, given: dict[str, str], code: str, says: str) -> None:
    runner = github.runner("one", pull())
    image(runner.folder / "app.tar", 3_000_000)
    outputs: dict[str, str] = {}
    assert not runner._action(given | {"comment": "true"}, outputs)
    assert outputs["exit-code"] == code, runner.log
    assert says in runner.log
    assert not (runner.folder / "owned").exists()
    assert all("✗" in comment for comment in github.comments)
    if code == "4":
        assert outputs["passed"] != "true"
        assert "Nothing could be audited" in runner.summary


def test_a_push_has_a_summary_and_no_comment(github: GitHub) -> None:
    runner = github.runner("one", {})
    runner.job(ROOT / "examples" / "github.yml")
    assert not runner.failed, runner.log
    assert github.comments == []
    assert "Passed" in runner.summary
    outputs: dict[str, str] = {}
    image(runner.folder / "app.tar", 3_000_000)
    assert runner._action({"images": "app=oci-archive:app.tar", "comment": "true"}, outputs) is False  # not compared
    assert "This is no pull request" in runner.log


def test_a_token_that_can_only_read_does_not_fail_the_check(github: GitHub) -> None:
    github.write(github.data | {"read-only": True})
    runner = github.runner("one", pull())
    runner.job(ROOT / "examples" / "github.yml")
    assert not runner.failed, runner.log
    assert "::warning::The comment could not be posted" in runner.log
    assert "Passed" in runner.summary


def test_a_fork_uploads_its_report_and_another_workflow_comments(github: GitHub) -> None:
    github.write(github.data | {"read-only": True})
    runner = github.runner("one", pull(FORK))
    runner.job(ROOT / "examples" / "github.yml")
    assert github.comments == []
    github.write(github.data | {"read-only": False})
    run = {
        "event": "pull_request",
        "id": 1,
        "head_sha": SHA,
        "head_branch": "fix",
        "head_repository": {"full_name": FORK, "owner": {"login": "someone"}},
    }
    github._program(github.tools / "docker", "#!/bin/sh\nexit 9\n")  # what runs with a token builds and starts nothing
    for _ in range(2):
        poster = github.runner(f"poster{_}", {"workflow_run": run}, config=False)
        poster.job(ROOT / "examples" / "github-comment.yml")
        assert not poster.failed, poster.log
        (comment,) = github.comments
        assert comment.splitlines()[1].startswith("**✓ Passed: ")
    own = {**run, "head_repository": {"full_name": "shop/shop", "owner": {"login": "shop"}}}
    untouched = github.runner("own", {"workflow_run": own}, config=False)
    untouched.job(ROOT / "examples" / "github-comment.yml")
    assert untouched.log == ""


@pytest.mark.parametrize("forged", ["text", "names"])
def test_a_forged_report_becomes_no_comment_of_its_own(github: GitHub, forged: str) -> None:
    runner = github.runner("one", pull(FORK))
    github.write(github.data | {"read-only": True})
    runner.job(ROOT / "examples" / "github.yml")
    github.write(github.data | {"read-only": False})
    path = github.folder / "artifacts" / "report.json"
    if forged == "text":
        path.write_text("@team <img src=x> merge this")
    else:
        report = json.loads(path.read_text())
        report["images"][0]["label"] = "--> @team <img src=x>\n::set-output name=passed::true"
        report["verdict"]["gates"][0]["message"] = "[merge](https://example.org) @team <img src=x>"
        path.write_text(json.dumps(report))
    run = {"event": "pull_request", "id": 1, "head_sha": SHA, "head_branch": "fix"}
    run |= {"head_repository": {"full_name": FORK, "owner": {"login": "someone"}}}
    poster = github.runner("poster", {"workflow_run": run}, config=False)
    poster.job(ROOT / "examples" / "github-comment.yml")
    assert poster.failed == (forged == "text")
    for comment in github.comments:
        assert "<img" not in comment
        assert "@team" not in comment
        assert "](http" not in comment
    assert len(github.comments) == (forged == "names")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_script_holds_an_expression(path: pathlib.Path) -> None:
    """Values go in by variables only: an expression within a script is a script of whoever chooses its value."""

    def scripts(value: Any) -> list[str]:
        if isinstance(value, dict):
            found = [text for key in ("run", "script") if (text := value.get(key)) is not None]
            return [str(text) for text in found] + [text for item in value.values() for text in scripts(item)]
        return [text for item in value for text in scripts(item)] if isinstance(value, list) else []

    found = scripts(yaml.load(path.read_text()))
    assert found or path.name == "pre-commit-config.yaml"
    assert not [text for text in found if "${{" in text]


def test_workflows_ask_for_no_more_than_they_need() -> None:
    for path in (ROOT / "examples").glob("github*.yml"):
        workflow = yaml.load(path.read_text())
        assert "pull_request_target" not in workflow["on"]
        assert workflow["permissions"] in ({}, {"contents": "read"})
    poster = yaml.load((ROOT / "examples" / "github-comment.yml").read_text())
    assert not any("checkout" in step.get("uses", "") for step in poster["jobs"]["comment"]["steps"])


def test_the_gitlab_job_runs(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = yaml.load((ROOT / "examples" / "gitlab-ci.yml").read_text())
    runner = github.runner("one", {})
    github._program(github.tools / "pip", "#!/bin/sh\n")
    github._program(github.tools / "imgaudit", f'#!/bin/sh\nexec "{sys.executable}" -m imgaudit "$@"\n')
    for job in ("build-image", "audit-image"):
        runner.environment |= jobs[job].get("variables", {})
        assert runner._script("\n".join(jobs[job]["script"]), {}, {}), runner.log
    reports = jobs["audit-image"]["artifacts"]["reports"]
    entries = json.loads((runner.folder / reports["codequality"]).read_text())
    assert {entry["check_name"][:2] for entry in entries} == {"IA"}  # findings, and no gate that failed
    assert "<testcase " in (runner.folder / reports["junit"]).read_text()
    assert (runner.folder / jobs["audit-image"]["artifacts"]["paths"][0]).is_file()


def test_the_hook_of_pre_commit(github: GitHub) -> None:
    (hook,) = yaml.load((ROOT / ".pre-commit-hooks.yaml").read_text())
    ((example,),) = [
        repo["hooks"] for repo in yaml.load((ROOT / "examples" / "pre-commit-config.yaml").read_text())["repos"]
    ]
    assert example["id"] == hook["id"]
    runner = github.runner("one", {})
    image(runner.folder / "app.tar", 9_000_000)
    arguments = " ".join(["app=oci-archive:app.tar", *example["args"][1:]])
    (runner.folder / "baseline.json").rename(runner.folder / example["args"][-1])
    python = hook["entry"].replace("imgaudit", f"{sys.executable} -m imgaudit", 1)
    assert not runner._script(f"{python} {arguments}", {}, {})
    assert "regression.download failed" in runner.log


def test_settings_of_the_example_are_settings() -> None:
    settings = load_settings(str(ROOT / "examples" / "imgaudit.toml"))
    assert settings.budget
    assert settings.regression is not None


def test_the_reader_of_workflows_reads_them_right() -> None:
    text = (
        'a: 1\n# note\nb:\n- x: "q # r"  \n  y: |\n    one\n\n      two # kept\n- plain text # not\nc: [u, v]\nd: {}\n'
    )
    found = yaml.load(text)
    assert found == {
        "a": 1,
        "b": [{"x": "q # r", "y": "one\n\n  two # kept\n"}, "plain text"],
        "c": ["u", "v"],
        "d": {},
    }
    with pytest.raises(ValueError, match="twice"):
        yaml.load("a: 1\na: 2\n")
    context = {"inputs": {"a": "x", "b": ""}}
    assert evaluate("${{ inputs.a == 'x' && inputs.b != 'y' }}", context) is True
    assert fill("${{ inputs.b || inputs.a }}-${{ inputs.none }}", context) == "x-"
    assert read_outputs("a=1=2\nb<<E\nx\n\ny\nE\nc=\n") == {"a": "1=2", "b": "x\n\ny", "c": ""}
