"""Images -> the same images with `probe`: each is started in the engine it was read from, several times.

What other packages use stands here. docs/probe.md says what is measured, how exactly, and what a container may do.
"""

import threading
from collections.abc import Callable, Sequence

import msgspec

from imgaudit.model import Image, Probe
from imgaudit.probing.containers import connect
from imgaudit.probing.interface import Cancel, Cancelled, Engine, ProbeOptions
from imgaudit.probing.turns import probe_in_turn

__all__ = ["ProbeOptions", "probe_images"]


def probe_images(
    images: Sequence[Image], options: ProbeOptions | None = None, *, engine: Callable[[str], Engine] = connect
) -> tuple[Image, ...]:
    """The images, in the same order, with what their containers did. What went wrong is in their Probe.

    engine: gives the engine of an image's `source`. An interrupt (KeyboardInterrupt) is raised again once all
    containers are removed: the work is done in another thread, where it can't come at a bad moment.
    """
    options, cancel, done = options or ProbeOptions(), Cancel(), threading.Event()
    probes: list[Probe] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            cancel.check()
            probes.extend(probe_in_turn(images, options, engine, cancel))
        except Cancelled:
            pass
        except BaseException as error:  # noqa: BLE001 -- raised again in the thread that waits
            failure.append(error)
        finally:
            done.set()

    worker = threading.Thread(target=work, name="probe")
    try:
        worker.start()
        done.wait()  # not join: interrupted, Python 3.11's takes the thread for one that has ended
    except BaseException:
        cancel.set()
        if worker.ident is not None:
            done.wait()
        raise
    if failure:
        raise failure[0]
    return tuple(msgspec.structs.replace(image, probe=probe) for image, probe in zip(images, probes, strict=True))
