"""Open files: the limit as high as it may be, and the parts of it for web clients, probes and the exporter itself.

Sockets are most of them. Web clients have at most a quarter, probes leave that quarter alone, and some are left to
files of the exporter itself (its configuration, questions to the resolver, policies), so that no stranger
can take the file that a reload needs. The kernel gives the lowest number that is free: a descriptor's number shows that
so many are open.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

log = logging.getLogger(__name__)

# Asked for where the system has no limit.
_WANTED: Final = 65536
_WEB_PART: Final = 4
# Left to the exporter itself: a sixteenth of all, at most so many.
_MOST_OWN: Final = 64


@dataclass(frozen=True, slots=True)
class OpenFiles:
    """The numbers of files that may be open."""

    limit: int

    @property
    def web(self) -> int:
        """Files for web clients, all together."""
        return self.limit // _WEB_PART

    @property
    def own(self) -> int:
        """Files that neither web clients nor probes get."""
        return min(_MOST_OWN, self.limit // 16)

    @property
    def below(self) -> int:
        """The bound of the descriptors of accepted connections."""
        return self.limit - self.own

    @property
    def probes_below(self) -> int:
        """The bound of the descriptors of probes."""
        return self.limit - self.web - self.own


UNLIMITED: Final = OpenFiles(1 << 30)


def open_files() -> OpenFiles:
    """The limits of this process now."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return UNLIMITED
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return UNLIMITED if soft == resource.RLIM_INFINITY else OpenFiles(soft)


def raise_open_files(concurrency: int) -> OpenFiles:
    """Raise the soft limit, 1,024 on most systems, to the hard one (getrlimit(2)): each probe takes a socket."""
    try:
        import resource
    except ImportError:
        return UNLIMITED
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or soft < hard:
        wanted = max(soft, _WANTED) if hard == resource.RLIM_INFINITY else hard
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    files = open_files()
    if files.probes_below < 2 * concurrency:
        log.warning(
            "open files limit too low",
            extra={
                "fields": {
                    "open_files": files.limit,
                    "for_probes": files.probes_below,
                    "for_web_clients": files.web,
                    "concurrency": concurrency,
                }
            },
        )
    return files
