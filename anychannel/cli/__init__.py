"""The command line of anychannel: `anychannel --help`."""

from anychannel.cli.app import app

__all__ = ["app"]
