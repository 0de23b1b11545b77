"""LINE, as an official account: https://developers.line.biz/en/docs/messaging-api/overview/.

`provider` is the wiring, `api` the only I/O; all other modules are pure functions.
"""

from providers.line.provider import LineProvider

__all__ = ["LineProvider"]
