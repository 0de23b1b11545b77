"""Decides where inbound files may be fetched from: https://docs.slack.dev/messaging/working-with-files."""

from typing import Final

from yarl import URL

# Slack's files lie at files.slack.com, those of large organisations at their own subdomain.
_SLACKS_DOMAINS: Final = ("slack.com", "slack-files.com")


def download_url(said: str, *, api_base: URL) -> URL | None:
    """The address that Slack named, if the bot token may be shown there; else None."""
    try:
        url = URL(said)
    except ValueError:
        return None
    host = url.host or ""
    is_slacks = url.scheme == "https" and any(host == each or host.endswith(f".{each}") for each in _SLACKS_DOMAINS)
    is_apis_own = host != "" and url.origin() == api_base.origin()
    return url if is_slacks or is_apis_own else None
