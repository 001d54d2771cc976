"""The schema of `--web.config.file`: the keys of Prometheus's exporter-toolkit, checked strictly.

The format is that of https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md, so that one
file serves every exporter of a machine. A value that Python cannot put into effect is refused with an
alternative: a setting about security is never ignored.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from exporter.config.field_types import Duration, kind, text
from exporter.config.schema import Section
from exporter.model.printable import quoted

# A header of an answer; whole policies fit, a file pasted by mistake does not.
MAX_HEADER: Final = 4096
# Each step doubles the time of a check, and any client can cause one: 15 takes some two seconds.
MAX_BCRYPT_COST: Final = 15
# Modular crypt form: $2b$, the cost, then 22 characters of salt and 31 of hash. $2y$ is htpasswd's, the same algorithm.
_BCRYPT: Final = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")
_MIN_BCRYPT_COST: Final = 4
# RFC 9110 5.5: visible characters, spaces and tabs.
_HEADER_VALUE: Final = re.compile(r"[\t -~]*")

# Go's names, as the format has them -> OpenSSL's. Those of TLS 1.3 cannot be chosen, neither in Go nor here.
CIPHER_SUITES: Final = MappingProxyType(
    {
        "TLS_AES_128_GCM_SHA256": "",
        "TLS_AES_256_GCM_SHA384": "",
        "TLS_CHACHA20_POLY1305_SHA256": "",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    }
)
CURVES: Final = MappingProxyType(
    {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
)
_FIXED_HEADERS: Final = MappingProxyType(
    {"X-Frame-Options": ("deny", "sameorigin"), "X-Content-Type-Options": ("nosniff",)}
)
HEADERS: Final = (
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
)

ClientAuth = Literal[
    "NoClientCert",
    "RequestClientCert",
    "RequireAnyClientCert",
    "RequireClientCert",
    "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert",
]
TlsVersion = Literal["TLS10", "TLS11", "TLS12", "TLS13"]


def _file_name(name: str) -> str:
    if "\0" in name:
        raise ValueError("must be the name of a file")
    return name


def _cipher_suite(name: str) -> str:
    if name not in CIPHER_SUITES:
        raise ValueError(f"{quoted(name)} is not a cipher suite that Go takes for secure")
    return name


def _curve(name: str) -> str:
    if name not in CURVES:
        raise ValueError(f"{quoted(name)} is not a curve: {', '.join(CURVES)}")
    return name


def _client_auth(value: str) -> str:
    if value in ("RequireAnyClientCert", "RequireClientCert"):
        raise ValueError(
            f"{value} would take a certificate that the client made itself and is not supported: "
            "write RequireAndVerifyClientCert"
        )
    return value


def _header_name(name: str) -> str:
    if name not in HEADERS:
        raise ValueError(f"{quoted(name)} is not a header that can be set: {', '.join(HEADERS)}")
    return name


def _header_value(value: str) -> str:
    if _HEADER_VALUE.fullmatch(value) is None:
        raise ValueError("a header has visible ASCII characters, spaces and tabs only")
    if len(value) > MAX_HEADER:
        raise ValueError(f"a header has at most {MAX_HEADER} characters")
    return value


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, values in _FIXED_HEADERS.items():
        value = headers.get(name, "")
        if value and value not in values:
            raise ValueError(f"{name} must be {' or '.join(values)}, not {quoted(value)}")
    return headers


def _user(name: str) -> str:
    # RFC 7617 2: the first colon ends the name, so this user could never log in.
    if ":" in name:
        raise ValueError(f"{quoted(name)}: the name of a user has no colon")
    if not name:
        raise ValueError("the name of a user is not empty")
    return name


def _password_hash(value: Any) -> str:
    # Never repeated: it may be the password itself.
    if not isinstance(value, str):
        raise ValueError(f"must be a bcrypt hash, not {kind(value)}")  # noqa: TRY004 - pydantic's way
    found = _BCRYPT.fullmatch(value)
    if found is None:
        raise ValueError("must be a bcrypt hash, such as `htpasswd -nBC 10 USER` prints after the colon")
    if not _MIN_BCRYPT_COST <= int(found[1]) <= MAX_BCRYPT_COST:
        raise ValueError(f"the cost of the hash must be between {_MIN_BCRYPT_COST} and {MAX_BCRYPT_COST}")
    return value


def _nothing(value: Any) -> Any:
    # The one duration that the format's own documentation writes without a unit.
    return "0s" if value == 0 and kind(value) == "a number" else value


FileName = Annotated[str, PlainValidator(text(_file_name, "server.pem"))]


class TlsServerSection(Section):
    """`tls_server_config`. An empty name or text is as good as none, as in the format's own programs."""

    cert: str = ""
    key: str = Field(default="", repr=False)
    client_ca: str = ""
    cert_file: FileName = ""
    key_file: FileName = ""
    client_auth_type: Annotated[ClientAuth, AfterValidator(_client_auth)] | None = None
    client_ca_file: FileName = ""
    client_allowed_sans: Annotated[list[str], Field(min_length=1)] | None = None
    min_version: TlsVersion = "TLS12"
    max_version: TlsVersion = "TLS13"
    cipher_suites: list[Annotated[str, AfterValidator(_cipher_suite)]] = Field(default_factory=list)
    prefer_server_cipher_suites: bool = True
    curve_preferences: list[Annotated[str, AfterValidator(_curve)]] = Field(default_factory=list)

    @property
    def enabled(self) -> bool:
        """True where a key is given that makes sense only with TLS."""
        return any((self.cert, self.key, self.cert_file, self.key_file, self.client_ca, self.client_ca_file)) or bool(
            self.client_auth_type or self.client_allowed_sans
        )


class HttpServerSection(Section):
    """`http_server_config`. HTTP/2 is allowed, not demanded: clients settle on 1.1, the only one spoken here."""

    http2: bool = True
    headers: Annotated[
        dict[Annotated[str, AfterValidator(_header_name)], Annotated[str, AfterValidator(_header_value)]],
        AfterValidator(_headers),
    ] = Field(default_factory=dict)


class RateLimitSection(Section):
    """`rate_limit`. Without a burst the format's own programs would refuse all requests; here it is one."""

    interval: Annotated[Duration, BeforeValidator(_nothing)] = 0.0  # seconds; 0: no limit
    burst: Annotated[int, Field(ge=1)] = 1


class WebSection(Section):
    """The whole file."""

    tls_server_config: TlsServerSection = TlsServerSection()
    http_server_config: HttpServerSection = HttpServerSection()
    basic_auth_users: dict[Annotated[str, AfterValidator(_user)], Annotated[str, PlainValidator(_password_hash)]] = (
        Field(default_factory=dict)
    )
    rate_limit: RateLimitSection = RateLimitSection()
