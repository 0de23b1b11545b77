"""What an author of a provider tests with: a real server for the provider, a scripted platform, and builders.

async with ScriptedPlatform() as platform, serve_provider(AcmeProvider()) as client:
    platform.answer(Answer(json={"id": "42"}))
    sent = await client.deliver(a_channel({"api_base": platform.url}), a_part("Hello"))

assert sent == Sent(platform_message_id="42")
assert platform.requests[0].json == {"to": "contact-1", "text": "Hello"}
"""

from anychannel.testing._builders import A_TIME, a_channel, a_part, a_request
from anychannel.testing._client import CallFailed, FetchedMedia, ProviderClient, serve_provider
from anychannel.testing._platform import Answer, RecordedRequest, ScriptedPlatform

__all__ = [
    "A_TIME",
    "Answer",
    "CallFailed",
    "FetchedMedia",
    "ProviderClient",
    "RecordedRequest",
    "ScriptedPlatform",
    "a_channel",
    "a_part",
    "a_request",
    "serve_provider",
]
