"""providers/README.md lists what each provider declares. `python tests/conformance/test_provider_table.py` writes the list anew."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from anychannel import Provider, TextUnit  # noqa: E402  # found from the repository's root
from tests.conformance.our_providers import our_providers  # noqa: E402

PAGE = ROOT / "providers" / "README.md"
UNITS = {
    TextUnit.CHARACTERS: "characters",
    TextUnit.UTF16: "UTF-16 units",
    TextUnit.BYTES: "bytes",
    TextUnit.SMS_SEGMENTS: "SMS segments",
}
HEADINGS = (
    *("provider", "text", "media", "buttons", "locations", "cards", "templates", "reports", "echoes"),
    *("hears by", "checks", "fetches"),
)


def test_every_provider_is_listed_as_it_declares_itself() -> None:
    assert _listed(PAGE.read_text()) == _table(), "run python tests/conformance/test_provider_table.py"


def test_the_table_says_what_is_declared() -> None:
    rows = {row[0]: row for row in map(_cells, _table().splitlines()[2:])}
    assert rows["Sandbox phones (`sandbox`)"] == (
        *("Sandbox phones (`sandbox`)", "1000 UTF-16 units", "image, video, audio, file", "3", "yes", "", ""),
        *("delivered, read", "yes", "webhooks", "yes", ""),
    )


def _cells(row: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in row.strip("|").split("|"))


def _table() -> str:
    rows = [
        _row(provider)
        for provider in sorted(our_providers().values(), key=lambda provider: provider.display_name.lower())
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (HEADINGS, ("---",) * len(HEADINGS), *rows))


def _row(provider: type[Provider]) -> tuple[str, ...]:
    can = provider.capabilities
    hears = (("receive", "webhooks"), ("listen", "listening"))
    return (
        f"{provider.display_name} (`{provider.platform}`)",
        f"{can.max_text_length} {UNITS[can.text_unit]}",
        ", ".join(limit.kind for limit in can.media) or "as links",
        str(can.max_buttons) if can.max_buttons else "as a list",
        _yes(can.locations),
        _yes(can.contact_cards),
        _yes(can.templates),
        ", ".join(sorted(can.reports)),
        _yes(can.echoes),
        ", ".join(name for method, name in hears if provider.offers(method)),
        _yes(provider.offers("check")),
        _yes(provider.offers("fetch_media")),
    )


def _yes(can: bool) -> str:  # noqa: FBT001 - a cell
    return "yes" if can else ""


def _listed(page: str) -> str:
    found = re.search(r"<!-- providers -->\n(.*?)\n<!-- end -->", page, re.DOTALL)
    return found[1] if found else ""


def _rewrite() -> None:
    before, opening, rest = PAGE.read_text().partition("<!-- providers -->\n")
    _, closing, after = rest.partition("<!-- end -->")
    PAGE.write_text(f"{before}{opening}{_table()}\n{closing}{after}")


if __name__ == "__main__":
    _rewrite()
