"""Messenger, as a Facebook Page: https://developers.facebook.com/documentation/business-messaging/messenger-platform.

`provider` is the wiring, `api` the only I/O; all other modules are pure functions.
"""

from providers.messenger.provider import MessengerProvider

__all__ = ["MessengerProvider"]
