"""Checks of how a provider reads webhooks: whatever comes from outside has a reply, and is believed only when it proves itself."""

import hashlib
import json
from functools import partial

from anychannel.conformance._broken import Skipped, demand
from anychannel.conformance._subject import Subject, now
from anychannel.conformance._verdict import Check
from anychannel.v1 import provider_pb2

_FORGED_BODY = json.dumps(
    {"object": "page", "update_id": 1, "events": [{"id": "1", "type": "message", "text": "Hello"}], "entry": []}
).encode()
_JSON = (("content-type", "application/json"),)
_WRONG = hashlib.sha256(b"not the secret").hexdigest()
# By the names under which common platforms sign; each provider looks at its own.
_FORGED_SIGNATURES = (
    ("x-hub-signature-256", f"sha256={_WRONG}"),
    ("x-signature", _WRONG),
    ("x-sandbox-signature", f"sha256={_WRONG}"),
    ("x-twilio-signature", "Zm9yZ2Vk"),
    ("x-line-signature", "Zm9yZ2Vk"),
    ("x-viber-content-signature", _WRONG),
    ("x-slack-signature", f"v0={_WRONG}"),
    ("x-signature-ed25519", _WRONG * 2),
    ("x-telegram-bot-api-secret-token", "forged"),
    ("authorization", "Bearer forged"),
)


def _request(
    body: bytes = b"",
    *,
    method: str = "POST",
    headers: tuple[tuple[str, str], ...] = _JSON,
    path: str = "",
    query: str = "",
) -> provider_pb2.HttpRequest:
    return provider_pb2.HttpRequest(
        method=method,
        url=f"https://gateway.example/webhooks/conformance/token{path}{'?' if query else ''}{query}",
        path=path,
        query=query,
        headers=[provider_pb2.HttpHeader(name=name, value=value) for name, value in headers],
        body=body,
        receive_time=now(),
    )


_STRANGE = {
    "garbage": _request(b"\x00\xff garbage \xfe"),
    "truncated JSON": _request(_FORGED_BODY[:-7]),
    "forged": _request(_FORGED_BODY, headers=(*_JSON, *_FORGED_SIGNATURES)),
    "unsigned": _request(_FORGED_BODY),
    "empty": _request(),
    "1 MiB": _request(b'{"events": "' + b"x" * 1024 * 1024 + b'"}'),
    "deep JSON": _request(b"[" * 100_000),
    "a number": _request(b"1" * 10_000),
    "null": _request(b"null"),
    "half a surrogate pair": _request(b'{"events": [{"id": "\\ud800"}], "message": {"text": "\\udc00"}}'),
    "bad form": _request(b"a=%zz&%ff=\xff&&=&" * 50, headers=(("content-type", "application/x-www-form-urlencoded"),)),
    "bad headers": _request(headers=(("content-type", "multipart/form-data; boundary="), ("x-signature", "ü" * 5000))),
    "unknown path": _request(_FORGED_BODY, path="/no/such/path", query="a=%ff&b"),
    "GET": _request(method="GET", headers=(), query="hub.mode=subscribe&hub.challenge=1&hub.verify_token=forged"),
    "DELETE": _request(method="DELETE", headers=()),
}


async def _is_refused_or_ignored(name: str, subject: Subject) -> None:
    received = await subject.receive(_STRANGE[name])
    demand(len(received) == 1, f"1 webhook has {len(received)} results")
    _check(name, received[0])


async def answers_each_of_a_batch(subject: Subject) -> None:
    """A batch of webhooks has as many results, in the same order: one that cannot be read spoils no other."""
    received = await subject.receive(*_STRANGE.values())
    demand(len(received) == len(_STRANGE), f"{len(_STRANGE)} webhooks have {len(received)} results")
    for name, result in zip(_STRANGE, received, strict=True):
        _check(name, result)


async def believes_only_what_proves_itself(subject: Subject) -> None:
    """Events come of a genuine webhook, and none of the same body without the headers and the query that prove it."""
    genuine = subject.account.webhook
    if genuine is None:
        raise Skipped("it needs a genuine webhook: in Python, suite(webhook=…)")
    bare = provider_pb2.HttpRequest()
    bare.CopyFrom(genuine)
    bare.url, bare.query = genuine.url.partition("?")[0], ""
    del bare.headers[:]
    bare.headers.extend(header for header in genuine.headers if header.name == "content-type")
    believed, refused = await subject.receive(genuine, bare)
    demand(bool(believed.events), f"no event came of a genuine webhook; it was answered {believed.reply.status_code}")
    _check("the same body without its proof", refused)


CHECKS = (
    *(
        Check(
            name=f"refuses_webhook_{name.lower().replace(' ', '_')}",
            promise=f"A webhook that is {name} is answered 4xx, or 2xx and ignored; no event comes of it.",
            run=partial(_is_refused_or_ignored, name),
        )
        for name in _STRANGE
    ),
    Check.of(answers_each_of_a_batch),
    Check.of(believes_only_what_proves_itself),
)


def _check(name: str, received: provider_pb2.ReceiveWebhooksResponse.Received) -> None:
    status = received.reply.status_code
    demand(200 <= status < 300 or 400 <= status < 500, f"{name}: it was answered {status}")
    demand(not received.events, f"{name}: it was believed, and {len(received.events)} events came of it")
