"""Whose webhooks are believed.

The signatures are those of Twilio's own tests, so not computed by us:
https://github.com/twilio/twilio-python/blob/306691e793f4/tests/unit/test_request_validator.py
"""

import base64
import hmac
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import HttpRequest
from anychannel.testing import a_request
from providers.twilio.signature import signed_fields
from providers.twilio.wire import FormFields

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
DUPLICATES = b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234"
JSON = b'{"property": "value", "boolean": true}'
JSON_URL = f"{URL}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
JSON_SIGNATURE = "a9nBmqA0ju/hNViExpshrM61xv4="


@pytest.mark.parametrize(
    ("url", "body", "signature"),
    [
        pytest.param(URL, urlencode(FORM).encode(), SIGNATURE, id="a form"),
        pytest.param(URL, urlencode(FORM | {"To": "+18005551212"}).encode(), SIGNATURE, id="in any order"),
        pytest.param(URL, DUPLICATES, "IK+Dwps556ElfBT0I3Rgjkr1wJU=", id="names that repeat"),
        pytest.param(URL.replace(".com", ".com:1234"), urlencode(FORM).encode(), SIGNATURE, id="https, port removed"),
        pytest.param(URL, urlencode(FORM).encode(), "kvajT1Ptam85bY51eRf/AJRuM3w=", id="https, port added"),
        pytest.param(
            URL.replace(".com", ".com:1234").replace("https", "http"),
            urlencode(FORM).encode(),
            "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=",
            id="http, port removed",
        ),
        pytest.param(
            URL.replace("https", "http"),
            urlencode(FORM).encode(),
            "0ZXoZLH/DfblKGATFgpif+LLRf4=",
            id="http, port added",
        ),
        pytest.param(
            URL.replace("https", "http"), urlencode(FORM).encode(), SIGNATURE, id="behind a proxy that ends TLS"
        ),
    ],
)
def test_what_twilio_signed_is_believed(url: str, body: bytes, signature: str) -> None:
    fields = _read(url, body, signature)

    assert fields is not None
    assert len(fields) == body.count(b"=")


def test_json_is_believed_and_not_read() -> None:
    fields = _read(JSON_URL, JSON, JSON_SIGNATURE, content_type="application/json")

    assert fields is not None
    assert [name for name, _ in fields] == ["foo", "bar", "bodySHA256"]


@pytest.mark.parametrize(
    ("url", "body", "signature"),
    [
        pytest.param(JSON_URL, JSON + b" ", JSON_SIGNATURE, id="another body"),
        pytest.param(JSON_URL.replace("bodySHA256=0", "bodySHA256=1"), JSON, JSON_SIGNATURE, id="another hash"),
        pytest.param(URL, b"{}", "", id="no hash"),
    ],
)
def test_json_with_another_hash_is_refused(url: str, body: bytes, signature: str) -> None:
    assert _read(url, body, signature, content_type="application/json") is None


@pytest.mark.parametrize(
    ("url", "body", "signature", "tokens"),
    [
        pytest.param(URL, urlencode(FORM).encode(), "", (TOKEN,), id="none"),
        pytest.param(URL, urlencode(FORM).encode(), SIGNATURE.lower(), (TOKEN,), id="changed"),
        pytest.param(URL, urlencode(FORM).encode(), SIGNATURE + "=", (TOKEN,), id="longer"),
        pytest.param(URL, urlencode(FORM).encode(), "é\udcff", (TOKEN,), id="no text"),
        pytest.param(URL, urlencode(FORM).encode(), SIGNATURE, ("54321",), id="another token"),
        pytest.param(URL, urlencode(FORM).encode(), SIGNATURE, (), id="no token"),
        pytest.param(URL, urlencode(FORM | {"Digits": "1"}).encode(), SIGNATURE, (TOKEN,), id="another value"),
        pytest.param(URL, urlencode(FORM | {"Z": ""}).encode(), SIGNATURE, (TOKEN,), id="a name more"),
        pytest.param(URL + "&z=1", urlencode(FORM).encode(), SIGNATURE, (TOKEN,), id="another query"),
        pytest.param(URL.replace("myapp", "yours"), urlencode(FORM).encode(), SIGNATURE, (TOKEN,), id="another path"),
        pytest.param(
            URL.replace("mycompany", "yours"), urlencode(FORM).encode(), SIGNATURE, (TOKEN,), id="another host"
        ),
        pytest.param(URL, b"&".join([b"a=b"] * 501), SIGNATURE, (TOKEN,), id="too many fields"),
    ],
)
def test_everything_else_is_refused(url: str, body: bytes, signature: str, tokens: tuple[str, ...]) -> None:
    assert _read(url, body, signature, tokens=tokens) is None


def test_an_empty_token_signs_nothing() -> None:
    signature = base64.b64encode(hmac.digest(b"", b"https://a", "sha1")).decode()  # as everybody can compute it

    assert _read("https://a", b"", signature, tokens=("",)) is None


def test_either_of_two_tokens_will_do() -> None:
    body = urlencode(FORM).encode()

    assert _read(URL, body, SIGNATURE, tokens=("new", TOKEN)) is not None
    assert _read(URL, body, SIGNATURE, tokens=(TOKEN, "new")) is not None


def test_the_public_address_is_what_twilio_was_told() -> None:
    request = _request("http://10.0.0.7:8080/inner/t?foo=1&bar=2", urlencode(FORM).encode(), SIGNATURE)

    assert signed_fields(request, webhook_url="https://mycompany.com/myapp.php", auth_tokens=(TOKEN,)) is not None
    assert signed_fields(request, webhook_url="https://other.example/myapp.php", auth_tokens=(TOKEN,)) is None
    assert signed_fields(request, webhook_url="", auth_tokens=(TOKEN,)) is None


def test_a_path_behind_the_public_address_is_signed_too() -> None:
    inner = _request("http://10.0.0.7/t/myapp.php", urlencode(FORM).encode(), SIGNATURE, path="/myapp.php")

    assert signed_fields(inner, webhook_url="https://mycompany.com", auth_tokens=(TOKEN,)) is None
    request = _request(
        "http://10.0.0.7/t/myapp.php?foo=1&bar=2", urlencode(FORM).encode(), SIGNATURE, path="/myapp.php"
    )
    assert signed_fields(request, webhook_url="https://mycompany.com", auth_tokens=(TOKEN,)) is not None


@given(
    st.text(), st.binary(), st.text(), st.sampled_from(["application/x-www-form-urlencoded", "application/json", ""])
)
def test_no_input_raises_and_none_is_believed(url: str, body: bytes, signature: str, content_type: str) -> None:
    request = a_request(
        body=body,
        headers={"X-Twilio-Signature": signature, "Content-Type": content_type},
        url=url or "https://a",
        query=url,
    )

    assert signed_fields(request, webhook_url=url, auth_tokens=(TOKEN,)) is None


def _read(
    url: str,
    body: bytes,
    signature: str,
    *,
    tokens: tuple[str, ...] = (TOKEN,),
    content_type: str = "application/x-www-form-urlencoded; charset=UTF-8",
) -> FormFields | None:
    request = _request(url, body, signature, content_type=content_type)
    return signed_fields(request, webhook_url="", auth_tokens=tokens)


def _request(
    url: str,
    body: bytes,
    signature: str,
    *,
    path: str = "",
    content_type: str = "application/x-www-form-urlencoded; charset=UTF-8",
) -> HttpRequest:
    headers = {"X-Twilio-Signature": signature, "Content-Type": content_type}
    return a_request(body=body, headers=headers, path=path, query=urlsplit(url).query, url=url)
