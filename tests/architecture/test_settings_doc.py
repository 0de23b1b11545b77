"""deploy/README.md lists every setting as its class declares it. `python tests/architecture/test_settings_doc.py` writes the lists anew."""

import re
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from core.settings import Settings as CoreSettings  # noqa: E402  # found from the repository's root
from edge.settings import Settings as EdgeSettings  # noqa: E402
from sandbox.settings import Settings as SandboxSettings  # noqa: E402

PAGE = ROOT / "deploy" / "README.md"
SERVICES: dict[str, Any] = {"core": CoreSettings, "edge": EdgeSettings, "sandbox": SandboxSettings}


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_is_listed_as_declared(service: str) -> None:
    assert _listed(PAGE.read_text(), service) == _table(SERVICES[service]), (
        "run python tests/architecture/test_settings_doc.py"
    )


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_says_what_it_is_for(service: str) -> None:
    assert [name for name, field in SERVICES[service].model_fields.items() if not field.description] == []


def _table(settings: Any) -> str:
    prefix = settings.model_config["env_prefix"]
    rows = [
        f"| `{prefix}{name.upper()}` | {_shown(field.get_default(call_default_factory=True))} | {' '.join(field.description.split())} |"
        for name, field in settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | what for |", "|---|---|---|", *rows])


def _shown(default: object) -> str:
    match default:
        case timedelta():
            shown = f"{default.total_seconds():g}"
        case bool():
            shown = str(default).lower()
        case None | Mapping():
            shown = ""
        case _:
            shown = "" if hasattr(default, "get_secret_value") else str(default)
    return f"`{shown}`" if shown else ""


def _listed(page: str, service: str) -> str:
    found = re.search(rf"<!-- settings of {service} -->\n(.*?)\n<!-- end -->", page, re.DOTALL)
    return found[1] if found else ""


def _rewrite() -> None:
    page = PAGE.read_text()
    for service, settings in SERVICES.items():
        before, opening, rest = page.partition(f"<!-- settings of {service} -->\n")
        _, closing, after = rest.partition("<!-- end -->")
        page = f"{before}{opening}{_table(settings)}\n{closing}{after}"
    PAGE.write_text(page)


if __name__ == "__main__":
    _rewrite()
