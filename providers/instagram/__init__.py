"""Instagram messages, as a professional account: https://developers.facebook.com/documentation/instagram-platform.

`provider` is the wiring, `api` the only I/O; all other modules are pure functions.
"""

from providers.instagram.provider import InstagramProvider

__all__ = ["InstagramProvider"]
