"""The targets that a module with secrets (a password, a message) may be used for, where a stranger chooses the target.

Every client that reaches the web server may ask for a probe of any host with any module. A module with `auth` or `data`
is for the targets that the configuration gives it, each at its port: never for another host that a client names.
"""

from __future__ import annotations

from exporter.model.configuration import Config
from exporter.model.printable import quoted
from exporter.model.target import Target, TargetKind


class SecretTargets:
    """The targets of a configuration whose modules have secrets; of any shard."""

    def __init__(self, config: Config) -> None:
        self._targets = {_key(target): target for target in config.targets if target.settings.module.entrusted}

    def find(self, asked: Target) -> Target | None:
        """The target that was meant by `asked`, where it is configured with the module asked for.

        Names are compared as they are looked up, so that two spellings of one host are that host.
        """
        found = self._targets.get(_key(asked))
        return found if found is not None and found.settings.module == asked.settings.module else None


def refusal(asked: Target) -> str:
    """The reason why no other target is probed, and the remedy."""
    module = asked.settings.module
    name = quoted(module.name)
    return (
        f"module {name} has {module.entrusted}, so only targets that are configured with it are probed with it here, at"
        f" their configured port: configure this target with this module, or run mx-exporter probe on the command line"
    )


def _key(target: Target) -> tuple[object, ...]:
    """A domain has one module and port; of a host both count, for each port is another server."""
    if target.kind is TargetKind.DOMAIN:
        return (target.kind, target.host)
    return (target.kind, target.host, target.settings.port)
