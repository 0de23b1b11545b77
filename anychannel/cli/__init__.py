"""The command line of anychannel: `anychannel --help`."""

from anychannel.cli.commands import app

__all__ = ["app"]
