"""Pages of a list: how many, and where the next one begins."""

import base64
import binascii

from core.rpc.errors import invalid

MAX_PAGE_SIZE = 500


def page_size_of(given: int, default: int) -> int:
    """How many rows a page has; `default` when 0. Raises `RpcError`: INVALID_ARGUMENT."""
    if not 0 <= given <= MAX_PAGE_SIZE:
        raise invalid("page_size", f"page_size is 1 to {MAX_PAGE_SIZE}, or 0 for {default}")
    return given or default


def token_after(last_id: str) -> str:
    """The token of the page that begins behind `last_id`."""
    return base64.urlsafe_b64encode(last_id.encode()).decode().rstrip("=")


def id_before(page_token: str) -> str:
    """Behind which id the page begins; empty for the first one. Raises `RpcError`: INVALID_ARGUMENT."""
    try:
        last_id = base64.b64decode(page_token + "=" * (-len(page_token) % 4), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raise invalid("page_token", "page_token is not one that was answered") from None
    if "\0" in last_id:
        raise invalid("page_token", "page_token is not one that was answered")
    return last_id
