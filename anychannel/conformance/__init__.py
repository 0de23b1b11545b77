"""The contract of a provider as a list of small checks, against any gRPC server in any language.

`anychannel check HOST:PORT` runs them; in an author's tests they are one line:

    test_conformance = conformance.suite(AcmeProvider)
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from anychannel.conformance._quality import Quality
from anychannel.conformance._running import CHECKS, Examination, examine
from anychannel.conformance._subject import Account
from anychannel.conformance._verdict import Check, Result, Verdict
from anychannel.provider import HttpRequest, Provider

if TYPE_CHECKING:  # it brings a whole HTTP server along, for which nobody should wait who types `anychannel`
    from anychannel.testing import Answer, RecordedRequest

__all__ = ["CHECKS", "Account", "Check", "Examination", "Quality", "Result", "Verdict", "examine", "suite"]


def suite(
    provider: Callable[[], Provider] | str,
    *,
    settings: Mapping[str, str] | None = None,
    to: str = "",
    platform: "Callable[[RecordedRequest], Answer] | None" = None,
    webhook: HttpRequest | None = None,
) -> Callable[[Check], None]:
    """A test with every check as a parameter; assign it to a name that pytest collects. Needs pytest.

    Args:
        provider: the provider's class, or host:port where one is served.
        settings: of a channel; placeholders stand for what is missing.
        to: the address of a contact; with it and settings, a text is really sent.
        platform: how the platform answers. One that answers so is started, and the setting `api_base` leads to it.
        webhook: a genuine one, of which an event comes, signed with the secret in the settings.
    """
    # Only here: who checks a provider from the command line has no pytest.
    from anychannel.conformance import _suite  # noqa: PLC0415

    return _suite.suite(provider, settings=settings, to=to, platform=platform, webhook=webhook)
