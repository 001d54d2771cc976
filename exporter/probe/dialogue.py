"""The dialogues of a configuration: the words for a host and their owner. Targets with equal ones share hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from weakref import WeakValueDictionary

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.model.failure import Stage
from exporter.model.target import DOMAIN_PLACEHOLDER, Module, Settings, Target, TargetKind, TlsMode
from exporter.probe.module_plan import mail_domain, plan_of
from exporter.smtp.plan import Plan

# Plans of one kind that are kept: a configuration has a few, and no request of a stranger makes another.
_MAX_PLANS: Final = 1000
# Looked up in its Enum, a member takes Python 3.11 twenty times as long as a name here.
_STARTTLS, _IMPLICIT = Stage.STARTTLS, TlsMode.IMPLICIT
# Module, EHLO name, source addresses, port; the owner, and its kind; a greeting and nothing else.
_Key = tuple[str, str, str, str, int, str, bool, bool]
# The module of the references of the egress, whatever the configuration makes of its default.
_PLAIN: Final = Module()
_REFERENCE: Final = "@reference"
# Of a module that the configuration has no more, or has with other words. No session is begun with it.
_RETIRED: Final = "@*retired"
# In place of a name or an address that is not set, where it is usual to have one. Begins neither.
_SYSTEMS: Final = "*"


class HostDialogue:
    """The words for a host. Compared by identity: equal dialogues of one configuration are one object."""

    __slots__ = (
        "__weakref__",
        "helo",
        "is_for_domain",
        "label",
        "module",
        "owner",
        "port",
        "retired",
        "source_ipv4",
        "source_ipv6",
    )

    def __init__(self, target: Target, owner: str, label: str) -> None:
        settings = target.settings
        self.module: Final = settings.module
        self.helo: Final = settings.helo  # empty: the name of this machine
        self.source_ipv4: Final = settings.source_ipv4
        self.source_ipv6: Final = settings.source_ipv6
        self.port: Final = settings.port
        self.label: Final = label  # the `module` label of the host's series
        # The only domain or host that the dialogue is about; empty: hosts are shared by all targets.
        self.owner: Final = owner
        self.is_for_domain: Final = target.kind is TargetKind.DOMAIN
        self.retired = False  # the configuration has changed: no session is begun with it any more

    @property
    def domain(self) -> str:
        """The `domain` label of the host's series: that of a dialogue about one domain alone."""
        return self.owner if self.is_for_domain else ""

    def source(self, address: str) -> str:
        """The address to connect to `address` from; empty: the system's choice."""
        return self.source_ipv6 if ":" in address else self.source_ipv4


class Dialogues:
    """The dialogues in use, each once, and their plans."""

    def __init__(self, helo: str) -> None:
        """`helo` is this machine's name where the settings give none."""
        self._helo = helo
        self._modules: Mapping[str, Module] | None = None  # those of the configuration; None: any
        self._usual = Settings()
        self._dialogues: WeakValueDictionary[_Key, HostDialogue] = WeakValueDictionary()
        self._plans: BoundedDict[tuple[HostDialogue, str], Plan] = BoundedDict(_MAX_PLANS)

    def adopt(self, modules: Mapping[str, Module], usual: Settings) -> None:
        """Follow a configuration: dialogues whose module has changed or is gone are retired.

        `usual`: the settings of a target without settings of its own, which need no mention in a label.
        """
        self._modules, self._usual = modules, usual
        for key, dialogue in list(self._dialogues.items()):
            if not self._is_valid(dialogue.module) or dialogue.label != self._label(dialogue):
                dialogue.retired = True
                del self._dialogues[key]
        self._plans.clear()

    def of(self, target: Target) -> HostDialogue:
        """The dialogue with the hosts of `target`. One with a module that the configuration has no more is retired."""
        settings = target.settings
        owner = _owner(target)
        key = (
            settings.module.name,
            settings.helo,
            settings.source_ipv4,
            settings.source_ipv6,
            settings.port,
            owner,
            bool(owner) and target.kind is TargetKind.DOMAIN,
            settings.module == _PLAIN,
        )
        found = self._dialogues.get(key)
        if found is not None and (found.module is settings.module or found.module == settings.module):
            return found
        dialogue = HostDialogue(target, owner, self._label(settings))
        if self._is_valid(settings.module):
            self._dialogues[key] = dialogue
        else:
            dialogue.retired = True
        return dialogue

    def plan(self, dialogue: HostDialogue, mx: str) -> Plan:
        """The plan of a session with the MX host `mx`."""
        module = dialogue.module
        # The name of the host is said in the handshake alone.
        name = mx if _STARTTLS in module.stages or module.tls is _IMPLICIT else ""
        key = dialogue, name
        plan = self._plans.get(key)
        if plan is None:
            helo = dialogue.helo or self._helo
            domain = dialogue.owner
            if domain and not dialogue.is_for_domain:
                domain = mail_domain(domain)
            plan = plan_of(module, helo, domain, name, from_mx=dialogue.is_for_domain)
            self._plans[key] = plan
        return plan

    def _is_valid(self, module: Module) -> bool:
        return self._modules is None or module == _PLAIN or self._modules.get(module.name) == module

    def _label(self, settings: Settings | HostDialogue) -> str:
        """The module's name, followed by the EHLO name and source addresses that are not the usual ones.

        Two dialogues with one host never have the same labels. No module's name contains an @.
        """
        usual = self._usual
        parts = [self._module_label(settings.module)]
        for text, expected, absent in (
            (settings.helo, usual.helo, "helo"),
            (settings.source_ipv4, usual.source_ipv4, "ipv4"),
            (settings.source_ipv6, usual.source_ipv6, "ipv6"),
        ):
            if text != expected:
                parts.append(text or f"{_SYSTEMS}{absent}")
        return "@".join(parts)

    def _module_label(self, module: Module) -> str:
        if self._modules is None or self._modules.get(module.name) == module:
            return module.name
        return _REFERENCE if module == _PLAIN else f"{module.name}{_RETIRED}"


def _owner(target: Target) -> str:
    """The domain or host that the dialogue is about alone: its name is said, or it alone is trusted with a secret."""
    module = target.settings.module
    is_said = Stage.RCPT in module.stages and any(DOMAIN_PLACEHOLDER in recipient for recipient in module.rcpt_to)
    return target.host if is_said or module.entrusted else ""
