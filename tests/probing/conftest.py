"""Images of the specimen, and a probe of them that looks whether anything is left behind."""

import subprocess
from collections.abc import Callable, Iterator

import pytest

from imgaudit.audit import audit
from imgaudit.model import Probe
from imgaudit.probing import ProbeOptions, probe_images
from imgaudit.probing.containers import EngineContainers, connect
from tests.probing.specimen import Specimens
from tests.support.docker import images

Prober = Callable[..., list[Probe]]


@pytest.fixture(scope="package")
def specimens() -> Iterator[Specimens]:
    with images() as built:
        yield Specimens(built)


def left_behind(probe: str) -> list[str]:
    """Containers and networks that bear the label of one probe."""
    found = []
    for command in (["ps", "-aq"], ["network", "ls", "-q"]):
        listed = subprocess.run(
            ["docker", *command, "--filter", f"label=imgaudit.probe={probe}"],
            capture_output=True,
            text=True,
            check=True,
        )
        found += listed.stdout.split()
    return found


@pytest.fixture
def prober() -> Prober:
    """prober(REF..., options of ProbeOptions) -> a Probe each, with nothing left in the engine."""

    def probe(*references: str, **options: object) -> list[Probe]:
        engines: list[EngineContainers] = []

        def engine(source: str) -> EngineContainers:
            engines.append(connect(source))
            return engines[-1]

        values: dict[str, object] = {"runs": 1, "load_seconds": 0.2, "timeout": 5.0, **options}
        read = [image for reference in references for image in audit(reference)]
        made = probe_images(read, ProbeOptions(**values), engine=engine)  # type: ignore[arg-type]
        assert not [left for engine in engines for left in left_behind(engine.probe)]
        return [image.probe for image in made if image.probe is not None]

    return probe
