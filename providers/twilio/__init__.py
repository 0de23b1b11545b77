"""SMS, MMS and WhatsApp through Twilio's Programmable Messaging, https://www.twilio.com/docs/messaging.

`provider` is the wiring, `api` the only I/O; everything else is pure functions.
"""

from providers.twilio.provider import TwilioProvider

__all__ = ["TwilioProvider"]
