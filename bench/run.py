#!/usr/bin/env python3
"""Time imgaudit against trivy, syft and dive (those on PATH) on the same files, in turn, and print ratios.

    make bench                       or: bench/run.py [--runs N] [--image NAME ...]

Whole processes from outside: wall seconds and peak resident memory, the median of N runs (default 5) after one that
is not counted, tool after tool in each round, so that a machine that slows down slows all of them. Cold caches of the
tools' own: each run of imgaudit and trivy gets an empty one; with --again they keep it, and the first run fills it.
bench/images.py makes the images.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE / "out"
# Without the account of the program's bytes: no other tool gives one.
AUDIT = ("inspect", "-q", "-o", "json", "--breakdown", "none")
IMAGES = {
    "scratch": ("docker-archive", OUT / "scratch.tar"),
    "debian": ("docker-archive", OUT / "debian.tar"),
    "golang": ("docker-archive", OUT / "golang.tar"),
    "golang-oci": ("oci-dir", OUT / "golang-oci"),
}


def command(tool: str, kind: str, path: pathlib.Path, fresh: str) -> list[str] | None:
    """The command line of a tool for an image; None where it can't read such a one."""
    if tool == "imgaudit":
        return [str(pathlib.Path(sys.executable).parent / "imgaudit"), *AUDIT, f"{kind}:{path}"]
    if tool == "trivy":
        offline = ["--offline-scan", "--skip-db-update", "--format", "cyclonedx", "-q", "--cache-dir", fresh]
        return ["trivy", "image", *offline, "--input", str(path)]
    if tool == "syft":
        return ["syft", "scan", f"{kind}:{path}", "-q", "-o", "syft-json"]
    return None if kind == "oci-dir" else ["dive", f"docker-archive://{path}"]


def measure(arguments: list[str], cache: str) -> tuple[float, int]:
    """Wall seconds and peak resident bytes of one run. cache: imgaudit's folder."""
    start = time.perf_counter()
    process = subprocess.Popen(
        arguments,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "CI": "true", "SYFT_CHECK_FOR_APP_UPDATE": "false", "IMGAUDIT_CACHE": cache},
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    # imgaudit answers 0; dive's gate answers 1 where an image wastes space.
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}")
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--again", action="store_true", help="time second audits: with what the tools remember")
    parser.add_argument("--image", nargs="+", choices=list(IMAGES), default=list(IMAGES))
    parser.add_argument("--tool", nargs="+", default=["trivy", "syft", "dive"])
    args = parser.parse_args()
    tools = ["imgaudit", *(tool for tool in args.tool if shutil.which(tool))]
    missing = [tool for tool in args.tool if tool not in tools]
    if missing:
        print(f"not on PATH, not measured: {', '.join(missing)}")
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {args.runs} runs each\n")
    print(f"{'image':12} {'tool':9} {'median':>8} {'min':>7} {'max':>7} {'memory':>8}   imgaudit / tool")
    for name in args.image:
        kind, path = IMAGES[name]
        if not path.exists():
            raise SystemExit(f"{path} is not there: make it with bench/images.py")
        taken: dict[str, list[tuple[float, int]]] = {tool: [] for tool in tools}
        kept = {tool: tempfile.TemporaryDirectory() for tool in tools}
        for turn in range(args.runs + 1):
            for tool in tools:
                with tempfile.TemporaryDirectory() as fresh:
                    cache = kept[tool].name if args.again else fresh
                    arguments = command(tool, kind, path, cache)
                    if arguments is None:
                        continue
                    result = measure(arguments, cache)
                if turn:  # the first only warms the page cache
                    taken[tool].append(result)
        for folder in kept.values():
            folder.cleanup()
        own = statistics.median(seconds for seconds, _ in taken["imgaudit"])
        for tool in tools:
            if not taken[tool]:
                print(f"{name:12} {tool:9} {'cannot read it':>24}")
                continue
            seconds = sorted(run[0] for run in taken[tool])
            memory = max(run[1] for run in taken[tool])
            middle = statistics.median(seconds)
            ratio = "" if tool == "imgaudit" else f"{own / middle:6.2f}"
            times = f"{middle:7.2f}s {seconds[0]:6.2f}s {seconds[-1]:6.2f}s"
            print(f"{name:12} {tool:9} {times} {memory / 1e6:5.0f} MB   {ratio}")
        print()


if __name__ == "__main__":
    main()
