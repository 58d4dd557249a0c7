"""User and rights: IA3xx."""

from imgaudit.checks.interface import Check, Failed, Passed, Problem, Result, Rule, Subject

ROOT = Rule(
    id="IA301",
    name="root-user",
    title="The program runs as root",
    severity="medium",
    what="The config's User is empty, root or 0, in any spelling.",
    why="A hole in the program is then a hole in the container's root, and one in the runtime may reach the host's.",
    fix="Set a user by number in the Dockerfile, such as USER 65532:65532, or start from a :nonroot base.",
    references=("CIS Docker Benchmark 4.1", "dockle CIS-DI-0001"),
)


def _root(subject: Subject) -> Result:
    user = subject.image.config.user
    name = user.partition(":")[0].strip()
    accounts = subject.traces.accounts or ()
    uid = next((account.uid for account in accounts if account.name == name), None)
    number = int(name) if name.isascii() and name.isdigit() else uid
    if name and number != 0 and not (name == "root" and number is None):
        return Passed()
    says = "no user is set, which is root" if not name else f"the user is {user}"
    return Failed((Problem(message=f"In the config {says}.", subject="user"),))


CHECKS = (Check(ROOT, _root),)
