"""GitHub's runner, as far as our action and examples go: steps in order, expressions, files of outputs, artifacts."""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

from tests.support import yaml

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")


@dataclasses.dataclass
class Runner:
    """One job on one machine. tools: a folder of programs that stand before all others."""

    folder: pathlib.Path
    tools: pathlib.Path
    action: pathlib.Path
    github: dict[str, Any]
    environment: dict[str, str]
    log: str = ""
    summary: str = ""
    failed: bool = False

    def job(self, workflow: pathlib.Path) -> None:
        """Run the one job of a workflow; a step after a failed one only where it says so."""
        (job,) = yaml.load(workflow.read_text())["jobs"].values()
        context: dict[str, Any] = {
            "github": self.github,
            "runner": {"temp": str(self.folder / "temp")},
            "steps": {},
            "inputs": {},
        }
        if "if" in job and not evaluate(job["if"], context):
            return
        self.failed = self.steps(job["steps"], context)

    def steps(self, steps: list[dict[str, Any]], context: dict[str, Any]) -> bool:
        """Returns whether one failed."""
        failed = False
        for step in steps:
            condition = str(step.get("if", ""))
            if failed and "cancelled()" not in condition:
                continue
            if condition and not evaluate(condition, context):
                continue
            outputs: dict[str, str] = {}
            failed = not self._step(step, context, outputs) or failed
            if "id" in step:
                context["steps"][step["id"]] = {"outputs": outputs}
        return failed

    def _step(self, step: dict[str, Any], context: dict[str, Any], outputs: dict[str, str]) -> bool:
        if "run" in step:
            variables = {key: fill(value, context) for key, value in step.get("env", {}).items()}
            return self._script(step["run"], variables, outputs)
        given = {key: fill(value, context) for key, value in step.get("with", {}).items()}
        name = step["uses"].partition("@")[0]
        if name == "OWNER/imgaudit":
            return self._action(given, outputs)
        artifacts = self.folder.parent / "artifacts"
        if name == "actions/upload-artifact":
            artifacts.mkdir(exist_ok=True)
            shutil.copy(given["path"], artifacts)
        elif name == "actions/download-artifact":
            shutil.copytree(artifacts, given["path"])
        else:
            assert name == "actions/checkout", name
        return True

    def _action(self, given: Mapping[str, str], outputs: dict[str, str]) -> bool:
        declared = yaml.load((self.action / "action.yml").read_text())
        assert set(given) <= set(declared["inputs"]), given
        outer = {"github": self.github, "steps": {}}
        inputs = {name: fill(row["default"], outer) for name, row in declared["inputs"].items()} | dict(given)
        context: dict[str, Any] = {"github": self.github, "inputs": inputs, "steps": {}}
        failed = self.steps(declared["runs"]["steps"], context)
        outputs.update({name: fill(row["value"], context) for name, row in declared["outputs"].items()})
        return not failed

    def _script(self, script: str, variables: Mapping[str, str], outputs: dict[str, str]) -> bool:
        temp = self.folder / "temp"
        temp.mkdir(parents=True, exist_ok=True)
        files = {name: self.folder / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        environment = self.environment | {name: str(file) for name, file in files.items()} | dict(variables)
        environment |= {"RUNNER_TEMP": str(temp), "GITHUB_ACTION_PATH": str(self.action)}
        environment["PATH"] = f"{self.tools}:{os.environ['PATH']}"
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        done = subprocess.run(
            command, env=environment, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False
        )
        self.log += done.stdout + done.stderr
        self.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        outputs.update(read_outputs(files["GITHUB_OUTPUT"].read_text()))
        return done.returncode == 0


def read_outputs(text: str) -> dict[str, str]:
    """`name=value` lines, and `name<<END` with what stands up to a line END."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, sign, rest = line.partition("<<") if re.match(r"[A-Za-z-]+<<", line) else line.partition("=")
        assert sign, line
        if sign == "<<":
            taken = []
            for value in lines:
                if value == rest:
                    break
                taken.append(value)
            else:
                raise AssertionError(f"{name} does not end")
            rest = "\n".join(taken)
        found[name] = rest
    return found


def fill(value: Any, context: Mapping[str, Any]) -> str:
    """A value of a workflow with its expressions evaluated."""
    if isinstance(value, bool):
        return str(value).lower()
    return _EXPRESSION.sub(lambda match: _words(evaluate(match[1], context)), str(value))


def _words(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def evaluate(text: str, context: Mapping[str, Any]) -> Any:
    """Of GitHub's expressions: paths, strings, ==, !=, !cancelled(), && and ||."""
    text = (match[1] if (match := _EXPRESSION.fullmatch(text.strip())) else text).strip()
    value: Any = None
    for sign in ("||", "&&", "!=", "=="):
        left, found, right = text.partition(f" {sign} ")
        if found:
            value = evaluate(left, context)
            if sign in ("||", "&&"):
                return value if bool(value) == (sign == "||") else evaluate(right, context)
            return (value == evaluate(right, context)) == (sign == "==")
    if text == "!cancelled()":
        return True
    if text.startswith("'"):
        return text[1:-1]
    assert re.fullmatch(r"[a-z]+(\.[A-Za-z_-]+)+", text), text
    value = context
    for part in text.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
