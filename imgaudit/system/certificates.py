"""The CA certificates that a Go program finds in the image (crypto/x509/root_linux.go, root_unix.go)."""

from collections.abc import Mapping

from imgaudit.layers.interface import Tree
from imgaudit.model import CaCertificates
from imgaudit.system.collect import CA_BUNDLES, Certificates

# Go reads every file of these, after the bundle (certDirectories).
FOLDERS = ("/etc/ssl/certs", "/etc/pki/tls/certs")


def ca_certificates(tree: Tree, environment: Mapping[str, str]) -> CaCertificates:
    """The bundle that Go would read, else a folder of certificates, and how many that file or folder holds.

    SSL_CERT_FILE and SSL_CERT_DIR take the place of the usual paths, as they do for Go.
    """
    named = environment.get("SSL_CERT_FILE")
    for path in (named,) if named else CA_BUNDLES:
        node = tree.resolve(path)
        if node is None or node.kind != "file" or not node.entry.size:
            continue
        if not isinstance(node.payload, Certificates):  # over a limit: there, but not looked into
            return CaCertificates(present=True, path=path, count=None)
        if node.payload.count:
            return CaCertificates(present=True, path=path, count=node.payload.count)
    named = environment.get("SSL_CERT_DIR")
    for folder in named.split(":") if named else FOLDERS:
        count = _count_folder(tree, folder)
        if count:
            return CaCertificates(present=True, path=folder, count=count)
    return CaCertificates(present=False, path=None, count=0)


def _count_folder(tree: Tree, folder: str) -> int:
    """Certificates in a folder's files, each file once: OpenSSL's hashed names are links to the others."""
    place = tree.resolve(folder)
    counts: dict[str, int] = {}
    for child in tree.children(place.path) if place is not None else ():
        node = tree.resolve(child.path)
        if node is not None and isinstance(node.payload, Certificates):
            counts[node.path] = node.payload.count
    return sum(counts.values())
