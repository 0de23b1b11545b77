"""Viber, through a bot: https://developers.viber.com/docs/api/rest-bot-api/.

`provider` is the wiring, `api` the only I/O; all other modules are pure functions.
"""

from providers.viber.provider import ViberProvider

__all__ = ["ViberProvider"]
