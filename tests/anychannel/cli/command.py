"""The command line as a test calls it: no output of it may hold a secret."""

import json
from collections.abc import Mapping
from typing import Any

from typer.testing import CliRunner, Result

from anychannel.cli import app
from tests.anychannel.scripted_gateway import ADMIN_KEY, READ_KEY

BOT_TOKEN = "123:bot-s3cret"
INBOX_TOKEN = "inbox-s3cret"
SECRETS = (BOT_TOKEN, INBOX_TOKEN, ADMIN_KEY, READ_KEY, "wh_unguessable")


class Anychannel:
    """Calls `anychannel`."""

    def __call__(
        self,
        *arguments: str,
        stdin: str | None = None,
        environ: Mapping[str, str] | None = None,
        exit_code: int = 0,
        may_show: str = "",
    ) -> Result:
        result = CliRunner().invoke(app, arguments, input=stdin, env=environ)
        told = result.stdout + result.stderr
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == exit_code, told
        assert [secret for secret in SECRETS if secret in told and secret != may_show] == []
        assert "\x1b" not in told
        return result

    def json(self, *arguments: str, exit_code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", exit_code=exit_code).stdout)
