"""The version of the installed package."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

#: Name of the distribution on the package index.
DISTRIBUTION = "distil"


def installed() -> str:
    """The version in the package's metadata; `0+source` where it is imported from a checkout that is not installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "0+source"
