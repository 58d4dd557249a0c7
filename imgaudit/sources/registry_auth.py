"""How a registry lets us in: its challenge, our credentials, its token.

Formats: WWW-Authenticate (RFC 9110, 11.6.1), the distribution project's token and OAuth2 specifications
(docs/spec/auth/token.md, oauth.md). Credentials go to the registry itself, or to the realm it names, after
`check_realm`; to nobody else.
"""

import dataclasses
import re
import threading
import urllib.parse
from collections.abc import Iterable, Mapping

from imgaudit.errors import ImageError, SourceError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.sources import network
from imgaudit.sources.credentials import Credentials, find_credentials
from imgaudit.sources.http import Transport
from imgaudit.sources.interface import OpenOptions
from imgaudit.sources.json_strict import parse_json
from imgaudit.sources.replies import Reply

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105  RFC 9110's "token", no secret
# Without a pattern for what stands between the parts: searching passes over it, in linear time.
_PART = re.compile(
    rf'(?P<key>{_TOKEN})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>{_TOKEN}))(?=[\s,]|$)'
    rf"|(?P<scheme>{_TOKEN})(?=[\s,]|$)"
    r"|(?P<other>[^\s,]+)"
)
_VALID_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Challenge:
    """One way to get in. scheme and keys in small letters."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(headers: Iterable[str]) -> list[Challenge]:
    """All challenges of all WWW-Authenticate headers; what can't be understood is passed over, nothing is raised."""
    found: list[tuple[str, dict[str, str]]] = []
    for header in headers:
        for part in _PART.finditer(header.rstrip()):
            if part["scheme"]:
                found.append((part["scheme"].lower(), {}))
            elif part["key"] and found:
                value = part["plain"] if part["quoted"] is None else re.sub(r"\\(.)", r"\1", part["quoted"])
                found[-1][1].setdefault(part["key"].lower(), value)
    return [Challenge(scheme, parameters) for scheme, parameters in found]


class Authenticator:
    """The Authorization header for one repository, made anew when the registry no longer takes the old one.

    base: the registry's own URL. registry: its name as the user's files know it.
    """

    def __init__(
        self,
        transport: Transport,
        base: str,
        registry: str,
        repository: str,
        options: OpenOptions,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._transport, self._base, self._registry, self._repository = transport, base, registry, repository
        self._options, self._limits = options, limits
        self._lock = threading.Lock()
        self._header: str | None = None
        self._credentials: Credentials | None = None
        self._asked = False

    @property
    def header(self) -> str | None:
        return self._header

    @property
    def known_as(self) -> str:
        """Who we said we are, for messages: where the credentials came from, no part of them."""
        return f"with the credentials of {self._credentials.origin}" if self._credentials else "without credentials"

    def renew(self, refused: str | None, reply: Reply) -> bool:
        """Answers a 401. refused: the header that was sent. False where there is nothing else to try.

        Several threads may come with the same refused header: the first asks for a token, the others use it.
        """
        with self._lock:
            if self._header != refused:
                return True
            challenges = {challenge.scheme: challenge for challenge in reversed(parse_challenges(reply.challenges()))}
            if "bearer" in challenges:
                self._header = "Bearer " + self._token(challenges["bearer"].parameters)
                return True
            credentials = self._find() if "basic" in challenges else None
            if credentials is None or not credentials.username or credentials.identity_token:
                return False
            self._header = credentials.basic()
            return self._header != refused

    def _find(self) -> Credentials | None:
        if not self._asked:
            self._credentials = find_credentials(self._registry, self._repository, talk=self._options.talk)
            self._asked = True
        return self._credentials

    def _token(self, parameters: Mapping[str, str]) -> str:
        realm = parameters.get("realm", "")
        self.check_realm(realm)
        credentials = self._find()
        if credentials and credentials.registry_token:
            return credentials.registry_token
        query = {"service": parameters.get("service", ""), "scope": f"repository:{self._repository}:pull"}
        what = f"the token service {network.shown(realm)}"
        if credentials and credentials.identity_token:
            form = {
                "grant_type": "refresh_token",
                "client_id": "imgaudit",
                "refresh_token": credentials.identity_token,
            }
            reply, body = self._transport.post_form(realm, {**form, **query}, self._limits.token, what)
        else:
            basic = credentials.basic() if credentials and credentials.username else None
            url = realm + ("&" if "?" in realm else "?") + urllib.parse.urlencode(query)
            reply, body = self._transport.get_bytes(
                url, {"Accept": "application/json"}, basic, self._limits.token, what
            )
        if reply.status != 200:
            raise SourceError(
                f"{self._registry} gives no access to {self._repository} {self.known_as}: "
                f"{what} answers {reply.status}",
                hint=login_hint(self._registry),
            )
        return _read_token(body, what)

    def check_realm(self, realm: str) -> None:
        """SourceError for a realm that must not see a request: the registry could send our password anywhere.

        Fine are https on a public host, the registry's own host (https, or http where the registry itself is spoken
        to so), and hosts that the user allowed.
        """
        try:
            scheme, host, _ = network.origin(realm)
        except SourceError:
            raise SourceError(f"{self._registry} names a token service that is no http or https URL") from None
        if network.listed(realm, self._options.allowed_realms):
            return
        own_scheme, own_host, _ = network.origin(self._base)
        if host == own_host and (scheme == "https" or own_scheme == "http"):
            return
        problem = "over plain http" if scheme == "http" else "on a private address"
        if scheme == "http" or network.is_private(host, self._transport.resolve(host)):
            raise SourceError(
                f"{self._registry} names the token service {network.shown(realm)}, {problem}: nothing was sent there",
                hint=f"if that is meant, allow it with IMGAUDIT_ALLOWED_REALMS={host}",
            )


def login_hint(registry: str) -> str:
    return f"log in with `docker login {registry}` or `podman login {registry}`, and look at the name"


def _read_token(body: bytes, what: str) -> str:
    try:
        answer = parse_json(body, what)
    except ImageError:
        raise SourceError(f"{what} answers something that is no JSON") from None
    token = (answer.get("token") or answer.get("access_token")) if isinstance(answer, dict) else None
    if not isinstance(token, str) or not _VALID_TOKEN.fullmatch(token):
        raise SourceError(f"{what} answers without a token")
    return token
