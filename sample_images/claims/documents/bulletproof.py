"""The build strategy whose go.sum may be missing."""

import re

from sample_images.claims import builds, containers, facts
from sample_images.claims.claim import Figure, NotMeasured
from sample_images.claims.documents.rows import claims
from sample_images.claims.exported import TOOLS, no_go_source, none_named
from sample_images.claims.figures import Measure, fact, tried
from sample_images.claims.figures_at_work import flag_saving, prints, rebuilt
from sample_images.claims.lab import Lab
from sample_images.claims.rules import amount, at_least, at_most, yes
from sample_images.claims.security import twice

NAME = "bulletproof"
PRODUCTION = f"{NAME}:production"
SECRETS = {
    ".env": "TOKEN=not-a-secret\n",
    "config/.env.production": "TOKEN=not-a-secret\n",
    ".git/config": "[core]\n",
    "id_rsa": "not a key\n",
    "certs/server.key": "not a key\n",
    "certs/server.pem": "not a key\n",
}


def _as_it_is(lab: Lab) -> Figure:
    target = lab.target(PRODUCTION)
    hashes = (target.folder / target.context / "go.sum").read_text().splitlines()
    return Figure(bool(lab.tag(PRODUCTION) and hashes), f"built, {len(hashes)} hashes in its go.sum")


def _with_sum(state: str, text: str | None) -> Measure:
    """Whether the image builds with this go.sum; None is no file at all."""

    def measure(lab: Lab) -> Figure:
        target = lab.target(PRODUCTION)

        def make() -> Figure:
            with builds.copied(target) as copy:
                path = copy.folder / copy.context / "go.sum"
                if text is None:
                    path.unlink()
                else:
                    path.write_text(text)
                try:
                    seconds = builds.build(copy)
                except NotMeasured as error:
                    return Figure(False, str(error))
                return Figure(True, f"built in {amount(seconds, 's')}")

        lab.tag(PRODUCTION)
        return lab.once(f"building {PRODUCTION} with {state}", make)

    return measure


def _wrong_sum(lab: Lab) -> Figure:
    """Whether a hash that is not the module's ends the build."""
    target = lab.target(PRODUCTION)

    def make() -> Figure:
        with builds.copied(target) as copy:
            path = copy.folder / copy.context / "go.sum"
            # One character of each hash becomes another.
            path.write_text(re.sub(r"h1:(.)", lambda found: f"h1:{'B' if found[1] == 'A' else 'A'}", path.read_text()))
            try:
                builds.build(copy)
            except NotMeasured as error:
                mismatch = "checksum mismatch" in error.detail
                return Figure(mismatch, "the build ends: checksum mismatch" if mismatch else str(error))
            return Figure(False, "the build does not mind")

    lab.tag(PRODUCTION)
    return lab.once(f"building {PRODUCTION} with a wrong go.sum", make)


def _context(lab: Lab) -> Figure:
    """Whether none of SECRETS gets into the build's context."""
    target = lab.target(PRODUCTION)
    arrived = lab.once(
        f"building with secrets in the context of {PRODUCTION}",
        lambda: builds.context_files(target, SECRETS),
        slow=False,
    )
    words = f"of {len(SECRETS)} planted files {len(arrived) or 'none'} arrived"
    return Figure(not arrived, words + (f": {', '.join(sorted(arrived))}" if arrived else ""))


def _engine(lab: Lab) -> Figure:
    lab.tag(PRODUCTION)
    version = containers.docker("version", "--format", "{{.Server.Version}}").stdout.strip()
    return Figure(True, f"built by Docker Engine {version}")


def _stages(lab: Lab) -> Figure:
    names = ("base", "development", "builder", "production")
    for name in names:
        lab.tag(f"{NAME}:{name}")
    return Figure(True, f"{len(names)} stages built")


CLAIMS = claims(
    NAME,
    [
        ("stages", "all four stages build", NAME, yes("each builds"), _stages),
        ("engine", "builds with Docker 20.10 or newer and BuildKit", PRODUCTION, yes("it builds"), _engine),
        ("sum.there", "builds with the go.sum that is there", PRODUCTION, yes("it builds"), _as_it_is),
        ("sum.missing", "builds without a go.sum", PRODUCTION, yes("it builds"), _with_sum("no go.sum", None)),
        ("sum.empty", "builds with an empty go.sum", PRODUCTION, yes("it builds"), _with_sum("an empty go.sum", "")),
        (
            "sum.verified",
            "module checksums are always verified",
            PRODUCTION,
            yes("a wrong hash ends the build"),
            _wrong_sum,
        ),
        ("context", "no sensitive file gets into the build's context", PRODUCTION, yes("none arrives"), _context),
        (
            "rebuild",
            "its layers' order makes rebuilds fast",
            PRODUCTION,
            at_most(50, "percent"),
            rebuilt(PRODUCTION),
        ),
        ("trimpath", "-trimpath makes the program smaller", NAME, at_least(0.1, "percent"), flag_saving(NAME, "paths")),
        ("user", "runs as uid 1001, not as root", PRODUCTION, yes("uid 1001"), tried(PRODUCTION, facts.user(1001))),
        (
            "user.shown",
            "`docker run IMAGE id` shows that it is not root",
            PRODUCTION,
            yes("it prints the uid"),
            prints(PRODUCTION, "id", expect=("uid=1001",)),
        ),
        (
            "static.shown",
            "`docker run IMAGE file /app/main` shows that it is static",
            PRODUCTION,
            yes("it says static"),
            prints(PRODUCTION, "file", "/app/main", expect=("static",)),
        ),
        ("static", "its binary is static", PRODUCTION, yes("static"), fact(PRODUCTION, facts.static)),
        (
            "base",
            "production rests on a minimal Alpine",
            PRODUCTION,
            yes("Alpine"),
            fact(PRODUCTION, facts.on_base("alpine")),
        ),
        ("health", "has a health check that works", PRODUCTION, yes("healthy"), tried(PRODUCTION, facts.healthy)),
        ("labels", "has OCI labels", PRODUCTION, yes("it has"), fact(PRODUCTION, facts.source_labels)),
        (
            "no-source",
            "production holds no source code",
            PRODUCTION,
            yes("none"),
            twice(PRODUCTION, facts.no_source, no_go_source),
        ),
        (
            "no-compiler",
            "production holds no Go toolchain",
            PRODUCTION,
            yes("none"),
            twice(PRODUCTION, facts.no_compiler, none_named(TOOLS, "Go tool")),
        ),
    ],
)
