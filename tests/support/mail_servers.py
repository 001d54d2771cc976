"""Real mail servers, each a private instance on a port of 127.0.0.1. They need root, as real ones do."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from tests.support.daemons import accepts, free_port, running
from tests.support.require import require_program, require_root

MailServer = Callable[[Path, str], AbstractContextManager[int]]


@contextlib.contextmanager
def postfix(folder: Path, name: str, settings: str = "", services: str = "") -> Iterator[int]:
    """Postfix that calls itself `name`; gives its port. `settings` are more lines of main.cf, `services` of master.cf.

    What it has can be looked at below `folder`/place while it runs.
    """
    require_root()
    program, port = require_program("postfix"), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mx-postfix-") as place:
        # Its daemons are not root and must come here; the tests' own folders let nobody else in.
        Path(place).chmod(0o755)
        config, queue, data = (Path(place) / part for part in ("etc", "queue", "data"))
        for path in (config, queue, data):
            path.mkdir()
        shutil.chown(data, "postfix")
        _configure_postfix(config, queue, data, port, name, settings, services)
        (folder / "place").symlink_to(place)
        argv = [program, "-c", str(config), "start-fg"]
        # The script would go alone, and leave the master with a queue that is no more.
        master = queue / "pid" / "master.pid"
        with running(argv, lambda: accepts(port), folder / "postfix.log", master):
            yield port


def _configure_postfix(
    config: Path, queue: Path, data: Path, port: int, name: str, settings: str, services: str
) -> None:
    (config / "main.cf").write_text(
        f"""\
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
myhostname = {name}
mydestination = {name}
mynetworks = 192.0.2.255/32
inet_protocols = ipv4
smtpd_relay_restrictions = reject_unauth_destination
alias_maps =
local_recipient_maps =
maillog_file = /dev/stdout
smtputf8_enable = yes
{settings}"""
    )
    (config / "master.cf").write_text(
        f"""\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
qmgr unix n - n 300 1 qmgr
pickup unix n - n 60 1 pickup
showq unix n - n - - showq
error unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
{services}"""
    )


@contextlib.contextmanager
def exim(folder: Path, name: str, settings: str = "", tls_port: int | None = None) -> Iterator[int]:
    """Exim that calls itself `name`; gives its port. `settings` replace those from the ACLs on.

    `tls_port` is one more, with TLS from the first byte. What is not delivered is below `folder`/spool.
    """
    require_root()
    program, port = require_program("exim4"), free_port()
    (folder / "spool").mkdir(parents=True)
    config = folder / "exim.conf"
    config.write_text(
        f"""\
primary_hostname = {name}
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
pid_file_path = {folder}/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {f"{port} : {tls_port}" if tls_port else port}
tls_on_connect_ports = {tls_port or ""}
never_users =
exim_user = root
exim_group = root
host_lookup =
rfc1413_query_timeout = 0s
{settings or "tls_advertise_hosts ="}
"""
    )
    with running([program, "-C", str(config), "-bdf"], lambda: accepts(port), folder / "exim.log"):
        yield port


@contextlib.contextmanager
def opensmtpd(
    folder: Path, name: str, settings: str = "", listen: str = "", action: str = "", final: str = ""
) -> Iterator[int]:
    """OpenSMTPD that calls itself `name`; gives its port. One at a time: its queue and its socket are compiled in.

    `settings` come before the listener, `listen` are its options, `action` replaces the delivery to a folder, `final`
    comes last.
    """
    require_root()
    program, port = require_program("smtpd"), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "smtpd.conf"
    config.write_text(
        f"""\
{settings}
listen on 127.0.0.1 port {port} hostname {name} {listen}
action "keep" {action or f'maildir "{folder}/maildir"'}
match from any for domain "{name}" action "keep"
{final}
"""
    )
    with (
        _alone(Path("/var/spool/smtpd")),
        running([program, "-d", "-f", str(config)], lambda: accepts(port), folder / "smtpd.log"),
    ):
        yield port


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other test, of whatever process, is inside with the same folder."""
    folder.mkdir(mode=0o711, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


MAIL_SERVERS: tuple[MailServer, ...] = (postfix, exim, opensmtpd)
