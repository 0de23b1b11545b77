"""The version of this command."""

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """The version of the installed package; empty when it runs from a tree that is not installed."""
    try:
        return version("anychannel")
    except PackageNotFoundError:
        return ""
