"""Names as a person types them, on the command line or in a URL -> targets.

Nothing here needs the schema of the configuration, which takes long to import.
"""

from __future__ import annotations

from dataclasses import replace

from exporter.config.values import HostPort, parse_domain, parse_host_port
from exporter.model.target import Labels, Settings, Target, TargetKind


def parse_target(text: str, settings: Settings) -> Target:
    """The target named on the command line or in a URL. Raises ValueError with a plain sentence.

    A domain; or, for one host without an MX lookup, `host:port`, `[IPv6]:port` or an address.
    """
    text = text.strip()
    host = _as_host(text)
    if host is None:
        domain = parse_domain(text)
        return Target(TargetKind.DOMAIN, domain, domain, settings)
    return host_target(host, settings)


def parse_host(text: str, settings: Settings) -> Target:
    """A host on the command line, its port optional. Raises ValueError with a plain sentence."""
    return host_target(parse_host_port(text.strip()), settings)


def _as_host(text: str) -> HostPort | None:
    """The host that `text` names; None for a domain. An address may lack its port, a name may not."""
    if ":" in text or text.startswith("["):
        return parse_host_port(text)
    try:
        host = parse_host_port(text)
    except ValueError:
        return None
    # A host name is never made of digits and dots alone, an IPv4 address always is.
    return host if host.host.replace(".", "").isdigit() else None


def host_target(host: HostPort, settings: Settings, labels: Labels = ()) -> Target:
    """The target of one host, with its own port where it has one."""
    if host.port is not None and host.port != settings.port:
        settings = replace(settings, port=host.port)
    return Target(TargetKind.HOST, host.text, host.host, settings, labels)
