"""Decides where inbound media may be fetched from.

https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media#download-media
"""

import re
from typing import Final

from yarl import URL

MEDIA_ID_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII)
# Documented is lookaside.fbsbx.com; the rest of Meta's own domains costs nothing and survives a move.
_METAS_DOMAINS: Final = ("fbsbx.com", "fbcdn.net", "facebook.com", "whatsapp.net")


def download_url(said: str, *, api_base: URL) -> URL | None:
    """The address that the Graph API named, if the access token may be shown there; else None."""
    try:
        url = URL(said)
    except ValueError:
        return None
    host = url.host or ""
    is_metas = url.scheme == "https" and any(host == domain or host.endswith(f".{domain}") for domain in _METAS_DOMAINS)
    is_apis_own = host != "" and url.origin() == api_base.origin()
    return url if is_metas or is_apis_own else None
