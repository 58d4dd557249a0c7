"""Where claims get their figures: each image built and audited once, each slow measurement made once."""

import dataclasses
import os
from collections.abc import Callable
from typing import TypeVar

import msgspec

from imgaudit.advisories import Advisories
from imgaudit.audit import AuditOptions, audit
from imgaudit.configuration import Settings, load_settings
from imgaudit.errors import ImgauditError
from imgaudit.model import Image, Probe, Vulnerabilities
from imgaudit.probing import ProbeOptions, probe_images
from imgaudit.score import score_of
from imgaudit.secrets.interface import Search
from imgaudit.sources import parse_platform
from sample_images import systems
from sample_images.claims import builds, containers, exported, programs
from sample_images.claims.claim import NotMeasured

T = TypeVar("T")

PROBED = {
    "go-services": tuple(
        f"go-services:{target}" for target in ("production", "production-plain", "production-alpine", "development")
    ),
    "go-app": tuple(f"go-app:{target}" for target in ("scratch", "distroless", "alpine")),
}
"""What is started beside what; a target of another system is probed alone."""

ONLY_COLD = ("go-services:production-alpine", "go-services:development")
"""Targets of which only the first build is promised a time."""

BUSY = 2.0
"""Load for each processor beyond which a machine has other work than what is measured here."""

PROBE_MEMORY = 512_000_000
"""Bytes that a probed container may take: a development image's toolchain too."""


class Lab:
    """Measures on demand, and keeps what it measured. Each method raises NotMeasured with the reason.

    quick: slow measurements are left out. say: told what is under way. known: what vulnerabilities are looked up in;
    None for nothing. looked_up: what was found last, which names the data.
    """

    def __init__(
        self,
        *,
        quick: bool = False,
        say: Callable[[str], None] = lambda line: None,
        known: Advisories | None = None,
    ) -> None:
        self.quick, self._say, self._known = quick, say, known
        self.looked_up: Vulnerabilities | None = None
        self._kept: dict[tuple[str, ...], object] = {}
        self._loads: dict[tuple[str, ...], float] = {}
        self.targets = {f"{t.system}:{t.name}": t for each in systems.load_systems() for t in each.targets}

    def _once(self, key: tuple[str, ...], make: Callable[[], T]) -> T:
        """What make gives, or the NotMeasured that it raises, every time the same."""
        if key not in self._kept:
            try:
                self._kept[key] = make()
            except NotMeasured as error:
                self._kept[key] = error
        found = self._kept[key]
        if isinstance(found, NotMeasured):
            raise found
        return found  # type: ignore[return-value]

    @property
    def alpine(self) -> bool:
        """Whether Alpine's package server answers."""
        return systems.alpine_answers()

    def target(self, name: str) -> systems.Target:
        """SYSTEM:TARGET as its targets.toml has it."""
        if name not in self.targets:
            raise NotMeasured(f"sample_images has no {name}", failed=True)
        return self.targets[name]

    def tag(self, name: str, platform: str = systems.NATIVE) -> str:
        """The tag of a target's image, built."""
        return self._once(("tag", name, platform), lambda: self._build(self.target(name), platform))

    def image(self, name: str, platform: str = systems.NATIVE) -> Image:
        """The audit of a target's image: its score, with its files searched for secrets, and its vulnerabilities."""
        return self._once(("image", name, platform), lambda: self._audit(self.tag(name, platform), platform))

    def base(self, reference: str) -> Image:
        """The audit of an image that others are built on, fetched where the engine does not have it."""
        return self._once(("base", reference), lambda: self._fetch(reference))

    def exported(self, name: str) -> exported.Exported:
        """The files of a target's image as docker hands them out."""
        return self._once(("exported", name), lambda: exported.export(self.tag(name)))

    def trial(self, name: str) -> containers.Trial:
        """What a container of the image did."""
        return self._once(("trial", name), lambda: self._try(name))

    def probe(self, name: str) -> Probe:
        """Start-up and memory as `imgaudit probe` measures them."""
        return self._once(("probe", name), lambda: self._probe(name))

    def timing(self, name: str) -> builds.Timing:
        """How long its builds take; of those in ONLY_COLD, the first one alone."""
        self._slow()
        return self._once(("timing", name), lambda: self._time(name))

    def program(self, system: str, flags: str) -> programs.Program:
        """A system's program, built with these of programs.FLAGS."""
        self._slow()
        return self._once(("program", system, flags), lambda: self._compile(system, flags))

    def once(self, what: str, make: Callable[[], T], *, slow: bool = True) -> T:
        """Any other measurement; what: its name, in words."""
        if slow:
            self._slow()

        def said() -> T:
            self._say(what)
            return make()

        return self._once(("once", what), said)

    def busy(self, *measurement: str) -> str:
        """Whether the machine had other work when a measurement began, in words; empty where it had not."""
        load, processors = self._loads.get(measurement, 0.0), os.cpu_count() or 1
        return f"load {load:.0f} on {processors} processors" if load > BUSY * processors else ""

    def _settings(self, system: str) -> Settings:
        """What the system's imgaudit.toml says."""
        try:
            return load_settings(environ={}, folder=systems.HERE / system)
        except ImgauditError as error:
            raise NotMeasured(error.with_hint, failed=True) from error

    def _slow(self) -> None:
        if self.quick:
            raise NotMeasured("--quick")

    def _build(self, target: systems.Target, platform: str) -> str:
        self._say(f"building {target.tag(platform)}")
        try:
            return systems.build(target, platform).tag
        except systems.BuildError as error:
            raise NotMeasured(builds.reason(error), failed=True) from error

    def _audit(self, tag: str, platform: str = systems.NATIVE) -> Image:
        self._say(f"auditing {tag}")
        options = AuditOptions(platform=parse_platform(platform), offline=True, secrets=Search(contents=True))
        if self._known is not None:
            options = dataclasses.replace(options, watch=self._known.watch)
        try:
            images = tuple(audit(f"docker:{tag}", options))
            if self._known is not None:
                images = self._known.fill(images)
                self.looked_up = images[0].vulnerabilities
        except ImgauditError as error:
            raise NotMeasured(f"{tag} can't be audited: {error.with_hint}", failed=True) from error
        image = msgspec.structs.replace(images[0], score=score_of(images[0]))
        return image

    def _fetch(self, reference: str) -> Image:
        self._say(f"fetching {reference}")
        if containers.docker("image", "inspect", reference).returncode:
            pulled = containers.docker("pull", "--quiet", reference, timeout=600)
            if pulled.returncode:
                raise NotMeasured(f"{reference} can't be fetched here", here=True)
        return self._audit(reference)

    def _try(self, name: str) -> containers.Trial:
        tag, image = self.tag(name), self.image(name)
        self._say(f"starting {tag}")
        return containers.trial(tag, image, self._settings(self.target(name).system).probe.env)

    def _time(self, name: str) -> builds.Timing:
        target = self.target(name)
        self.tag(name)  # the stand-ins and the base images are there before the clock runs
        only_cold = name in ONLY_COLD
        self._loads["timing", name] = os.getloadavg()[0]
        self._say(f"timing {'a build' if only_cold else 'four builds'} of {target.tag()}")
        return builds.time_builds(target, only_cold=only_cold)

    def _compile(self, system: str, flags: str) -> programs.Program:
        self._say(f"compiling {system} ({flags})")
        return programs.build_program(system, flags)

    def _probe(self, name: str) -> Probe:
        """All of the system's PROBED targets are started in turn, so that what else the machine does hits all alike."""
        system = name.partition(":")[0]
        group = [each for each in PROBED.get(system, (name,)) if each in self.targets]
        images = [self.image(each) for each in group]
        found = self._once(("probes", system), lambda: self._start(system, images))
        return found[group.index(name)]

    def _start(self, system: str, images: list[Image]) -> list[Probe]:
        self._loads["probe", system] = os.getloadavg()[0]
        given = self._settings(system).probe
        options = ProbeOptions(
            port=given.port or 8080,
            path=given.path or "/health",
            env=given.env,
            memory=PROBE_MEMORY,
            progress=self._say,
        )
        return [image.probe or Probe(runs=0, error="not probed") for image in probe_images(images, options)]
