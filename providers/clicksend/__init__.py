"""SMS through ClickSend, https://www.clicksend.com.

`provider` is the wiring, `api` the only I/O; `outbound`, `inbound`, `failures` and `checks` are pure functions.
"""

from providers.clicksend.provider import ClicksendProvider

__all__ = ["ClicksendProvider"]
