"""How a text is packed into SMS segments: 3GPP TS 23.038 (alphabet) and TS 23.040 (joined messages).

https://www.etsi.org/deliver/etsi_ts/123000_123099/123038/
"""

import re

GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""One septet each."""
GSM_EXTENSION = "\f^{}\\[~]|€"
"""Two septets each: an escape and the character."""

# 140 octets hold 160 septets or 70 UCS-2 units; six of them go to the header that joins segments.
_SEPTETS_ALONE, _SEPTETS_JOINED = 160, 153
_UNITS_ALONE, _UNITS_JOINED = 70, 67

_ESCAPE = "\x1b"
_OUTSIDE_GSM = re.compile(f"[^{re.escape(GSM_BASIC + GSM_EXTENSION)}]")
_ESCAPED = {ord(character): _ESCAPE + character for character in GSM_EXTENSION}


def count_segments(text: str) -> int:
    """How many segments a carrier charges for `text`; nothing for no text."""
    segments = start = 0
    alone = _alone_reach(text, 0)
    if alone == len(text):
        return 1 if text else 0
    next_reach = _unit_reach if _OUTSIDE_GSM.search(text) else _septet_reach
    while start < len(text):
        start = next_reach(text, start)
        segments += 1
    return segments


def reach(text: str, start: int, segments: int) -> int:
    """Up to where `text[start:…]` fits into so many segments."""
    if segments == 1:
        return _alone_reach(text, start)
    # A carrier writes the whole message in UCS-2 as soon as one character of it is outside the GSM alphabet.
    units_end = start
    for _ in range(segments):
        units_end = _unit_reach(text, units_end)
    outside = _OUTSIDE_GSM.search(text, start, units_end)
    if outside or units_end == len(text):
        return units_end
    septets_end = start
    for _ in range(segments):
        septets_end = _septet_reach(text, septets_end)
    outside = _OUTSIDE_GSM.search(text, units_end, septets_end)
    return outside.start() if outside else septets_end


def count_fitting_utf16(text: str, units: int) -> int:
    """How many characters of `text` fit into so many UTF-16 code units; a surrogate pair is never divided."""
    return len(text.encode("utf-16-le", "replace")[: 2 * units].decode("utf-16-le", "ignore"))


def _alone_reach(text: str, start: int) -> int:
    units_end = start + count_fitting_utf16(text[start : start + _UNITS_ALONE], _UNITS_ALONE)
    if _OUTSIDE_GSM.search(text, start, units_end):
        return units_end
    septets_end = start + _count_fitting_septets(text[start : start + _SEPTETS_ALONE], _SEPTETS_ALONE)
    outside = _OUTSIDE_GSM.search(text, units_end, septets_end)
    return outside.start() if outside else septets_end


def _unit_reach(text: str, start: int) -> int:
    return start + count_fitting_utf16(text[start : start + _UNITS_JOINED], _UNITS_JOINED)


def _septet_reach(text: str, start: int) -> int:
    return start + _count_fitting_septets(text[start : start + _SEPTETS_JOINED], _SEPTETS_JOINED)


def _count_fitting_septets(text: str, septets: int) -> int:
    fitting = text.translate(_ESCAPED)[:septets]
    return len(fitting) - fitting.count(_ESCAPE)  # an escape that lost its character to the limit counts for none
