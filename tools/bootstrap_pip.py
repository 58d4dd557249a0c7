"""Install pip into this environment from its wheel on PyPI, where Python came without ensurepip (Debian).

The wheel's sha256 is the one that PyPI states over TLS. PIP_INDEX_URL is honoured.
"""

import hashlib
import html.parser
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")


class Links(html.parser.HTMLParser):
    """The wheels of a simple index page, in its order: oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self.wheels: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        link = attributes.get("href") or ""
        name = link.partition("#")[0]
        # Releases only: a pre-release's version holds a letter (25.0b1).
        version = name.rpartition("/")[2].split("-")[1] if name.endswith("-py3-none-any.whl") else ""
        if version and version.replace(".", "").isdigit() and "data-yanked" not in attributes:
            self.wheels.append(link)


def main() -> None:
    page_url = f"{INDEX}/pip/"
    request = urllib.request.Request(page_url, headers={"Accept": "text/html"})
    with urllib.request.urlopen(request, timeout=60) as page:
        links = Links()
        links.feed(page.read().decode())
    newest = max(
        links.wheels,
        key=lambda link: [int(part) for part in link.partition("#")[0].rpartition("/")[2].split("-")[1].split(".")],
    )
    url, _, fragment = urllib.parse.urljoin(page_url, newest).partition("#")
    with urllib.request.urlopen(url, timeout=60) as response:
        data = response.read()
    if fragment.startswith("sha256=") and hashlib.sha256(data).hexdigest() != fragment.removeprefix("sha256="):
        sys.exit(f"{url}: its sha256 is not the one that the index states")
    with tempfile.TemporaryDirectory() as folder:
        wheel = pathlib.Path(folder) / url.rpartition("/")[2]
        wheel.write_bytes(data)
        subprocess.run([sys.executable, f"{wheel}/pip", "install", "-q", str(wheel)], check=True)


if __name__ == "__main__":
    main()
