"""One of `modules`, from what a user wrote to a Module, and what in it does not fit together."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from exporter.config.mailbox import DOMAIN_PLACEHOLDER, needs_smtputf8
from exporter.config.model import Module, Starttls
from exporter.config.schema import ModuleSection
from exporter.config.stages import order_problems
from exporter.result import Stage

# RFC 5321 3.2: HELO negotiates no extension.
_NEEDS_EHLO: Final = "needs ehlo: HELO offers no extensions"
_NEEDS_STARTTLS: Final = "needs the stage starttls, which stages does not list"

Location = tuple[str | int, ...]


def module_of(name: str, section: ModuleSection) -> Module:
    """The module that `section` describes."""
    stages = ["ehlo" if stage == "helo" else stage for stage in section.stages]
    # EHLO after STARTTLS is said in any case, listed or not.
    said = [stage for index, stage in enumerate(stages) if stage != "ehlo" or index == 0]
    return Module(
        name=name,
        stages=tuple(map(Stage, said)),
        force_helo=section.stages[0] == "helo",
        starttls=Starttls(section.starttls.required, section.starttls.verify),
        mail_from=section.mail_from,
        rcpt_to=tuple(section.rcpt_to),
        size=section.size,
        vrfy=section.vrfy,
        expn=section.expn,
        expect=MappingProxyType({Stage(stage): frozenset(codes) for stage, codes in section.expect.items()}),
        timeout=section.timeout,
    )


def contradictions(section: ModuleSection) -> Iterator[tuple[Location, str]]:
    """(place, reason) of what cannot be, though each value is right by itself."""
    for index, reason in order_problems(section.stages):
        yield ("stages", index), reason
    if "starttls" not in section.stages:
        if section.starttls.required:
            yield ("starttls", "required"), _NEEDS_STARTTLS
        if section.starttls.verify == "require":
            yield ("starttls", "verify"), _NEEDS_STARTTLS
    if "helo" in section.stages:
        yield from _needing_extensions(section)
    if "data" in section.stages:
        yield from _without_recipient(section)


def _needing_extensions(section: ModuleSection) -> Iterator[tuple[Location, str]]:
    if section.size:
        yield ("size",), _NEEDS_EHLO
    if needs_smtputf8(section.mail_from):
        yield ("mail_from",), _NEEDS_EHLO
    for index, recipient in enumerate(section.rcpt_to):
        if needs_smtputf8(recipient):
            yield ("rcpt_to", index), _NEEDS_EHLO


def _without_recipient(section: ModuleSection) -> Iterator[tuple[Location, str]]:
    """A message is really delivered, so to a mailbox that was named, not to one of every domain probed."""
    if not section.rcpt_to:
        yield ("stages", section.stages.index("data")), "data needs a recipient: set rcpt_to"
    for index, recipient in enumerate(section.rcpt_to):
        if DOMAIN_PLACEHOLDER in recipient:
            yield ("rcpt_to", index), f"data delivers a message: name its recipient, without {DOMAIN_PLACEHOLDER}"
