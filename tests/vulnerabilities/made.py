"""Vulnerability data made for tests, in both layouts, and programs that it is about."""

import http.server
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imgaudit import model

DATE = "2026-03-04T05:06:07Z"


def entry(
    id: str,
    package: str,
    *events: dict[str, str],
    imports: Sequence[Mapping[str, Any]] | None = None,
    ecosystem: str = "Go",
    **more: Any,
) -> dict[str, Any]:
    """An OSV document about one package; events of one range."""
    affected: dict[str, Any] = {
        "package": {"ecosystem": ecosystem, "name": package},
        "ranges": [{"type": "SEMVER" if ecosystem == "Go" else "ECOSYSTEM", "events": list(events)}],
    }
    if imports is not None:
        affected["ecosystem_specific"] = {"imports": imports}
    return {
        "schema_version": "1.7.0",
        "id": id,
        "modified": DATE,
        "summary": f"{package} is wrong",
        "affected": [affected],
        **more,
    }


def since(introduced: str = "0", fixed: str | None = None) -> tuple[dict[str, str], ...]:
    return ({"introduced": introduced}, *([{"fixed": fixed}] if fixed else []))


def indexed(*entries: dict[str, Any]) -> dict[str, bytes]:
    """The files of a database in govulncheck's layout."""
    modules: dict[str, list[dict[str, str]]] = {}
    for each in entries:
        for path in {affected["package"]["name"] for affected in each["affected"]}:
            modules.setdefault(path, []).append({"id": each["id"], "modified": each["modified"]})
    files: dict[str, Any] = {
        "index/db.json": {"modified": DATE},
        "index/modules.json": [{"path": path, "vulns": vulns} for path, vulns in sorted(modules.items())],
        "index/vulns.json": [{"id": each["id"], "modified": each["modified"], "aliases": []} for each in entries],
    }
    files |= {f"ID/{each['id']}.json": each for each in entries}
    return {name: json.dumps(content).encode() for name, content in files.items()}


def flat(*entries: dict[str, Any]) -> dict[str, bytes]:
    return {f"{each['id']}.json": json.dumps(each).encode() for each in entries}


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@contextmanager
def serve(files: Mapping[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    """A server of these files on this machine, with ETags: its URL, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            content = files.get(self.path.partition("?")[0].lstrip("/"))
            tag = None if content is None else f'"{hash(content)}"'
            fresh = tag is not None and self.headers.get("If-None-Match") == tag
            self.send_response(404 if content is None else 304 if fresh else 200)
            body = b"" if content is None or fresh else content
            self.send_header("Content-Length", str(len(body)))
            if tag:
                self.send_header("ETag", tag)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def program(
    *dependencies: model.GoModule,
    version: str | None = "go1.26.8",
    module: model.GoModule | None = None,
    path: str | None = "example.com/app",
    **settings: str,
) -> model.Binary:
    """A Go program as an audit tells of it."""
    return model.Binary(
        path="/app",
        size=1,
        sha256="0" * 64,
        layer=0,
        role="service",
        machine="amd64",
        bits=64,
        endian="little",
        type="exec",
        linkage="static",
        interpreter=None,
        interpreter_present=None,
        needed=(),
        missing=(),
        glibc_required=None,
        stripped=True,
        symtab=False,
        dwarf=False,
        build_id=None,
        hardening=None,
        upx=model.UpxInfo(present=False),
        go=model.GoInfo(
            present=True,
            version=version,
            path=path,
            module=module or model.GoModule(path="example.com/app", version="(devel)"),
            dependencies=dependencies,
            settings=settings,
        ),
        analysis=model.Analysis(status="complete", reason=None),
    )
