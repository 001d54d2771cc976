"""To whom a module may hand over what was entrusted to it (a password, a message), where a stranger chooses the target.

Whoever reaches the web server may ask for a probe of any host with any module. One with `auth` or `data` is for the
targets that the configuration gives it, each at its port: never for a host that somebody names beside them.
"""

from __future__ import annotations

from exporter.model.configuration import Config
from exporter.model.printable import quoted
from exporter.model.target import Target, TargetKind


class SecretTargets:
    """The targets of such modules, looked through once a configuration."""

    def __init__(self) -> None:
        self._config: Config | None = None
        self._targets: dict[tuple[object, ...], Target] = {}

    def find(self, config: Config, asked: Target) -> Target | None:
        """The target of `config` that was meant by `asked`, where it has the module asked for; of any shard.

        Names are compared as they are looked up, so that two spellings of one host are that host.
        """
        if config is not self._config:
            self._config = config
            self._targets = {_key(target): target for target in config.targets if target.settings.module.entrusted}
        found = self._targets.get(_key(asked))
        return found if found is not None and found.settings.module == asked.settings.module else None


def refusal(asked: Target) -> str:
    """Why nobody but them is probed, and what to do."""
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
