"""Requests over plain HTTP, by httpx, which would read the system's certificates for each: 20 ms of a core."""

from __future__ import annotations

import ssl
from typing import Any, Final

import httpx

# It trusts nobody: what is asked here has no certificate.
_NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def request(method: str, url: str, **options: Any) -> httpx.Response:
    """An answer, over a connection of its own."""
    return httpx.request(method, url, verify=_NOBODY, **options)


def get(url: str, **options: Any) -> httpx.Response:
    return request("GET", url, **options)


def post(url: str, **options: Any) -> httpx.Response:
    return request("POST", url, **options)


def head(url: str, **options: Any) -> httpx.Response:
    return request("HEAD", url, **options)
