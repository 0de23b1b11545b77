from io import BytesIO

import pytest

from sandbox.files import MAX_FILE_BYTES
from tests.sandbox.world import Sandbox, StartSandbox


@pytest.mark.parametrize(
    ("name", "sent_as", "served_as", "file_name"),
    [
        ("cat.png", "image/png", "image/png", "cat.png"),
        ("voice.ogg", "audio/ogg", "audio/ogg", "voice.ogg"),
        ("photo.webp", "image/webp", "image/webp", "photo.webp"),
        ("offer", "application/pdf", "application/pdf", "offer.pdf"),
        ("what.xyzzy", "", "application/octet-stream", "what.xyzzy"),
        ("../../etc/pass wd.txt", "text/plain", "text/plain", "etcpasswd.txt"),
        ("日本", "", "application/octet-stream", "file"),
    ],
)
async def test_a_file_comes_back_as_what_it_is(
    sandbox: Sandbox, name: str, sent_as: str, served_as: str, file_name: str
) -> None:
    headers = {"Content-Type": sent_as or "application/octet-stream"}
    async with sandbox.http.post("/files", params={"name": name}, data=b"0123456789", headers=headers) as answer:
        hosted = await answer.json()
    assert hosted["url"].startswith(str(sandbox.http.make_url("/files/")))
    async with sandbox.http.session.get(hosted["url"]) as answer:
        assert await answer.read() == b"0123456789"
        assert answer.content_type == served_as
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    async with sandbox.http.session.head(hosted["url"]) as answer:
        assert (answer.status, answer.content_length, answer.content_type) == (200, 10, served_as)
    async with sandbox.http.session.get(hosted["url"], headers={"Range": "bytes=2-4"}) as answer:
        assert (answer.status, await answer.read()) == (206, b"234")
    assert hosted["name"].startswith(file_name.split(".", maxsplit=1)[0])


async def test_sixteen_mebibytes_and_no_more(sandbox: Sandbox) -> None:
    async with sandbox.http.post("/files", data=BytesIO(b"x" * MAX_FILE_BYTES)) as answer:
        assert answer.status == 200
    async with sandbox.http.post("/files", data=BytesIO(b"x" * (MAX_FILE_BYTES + 1))) as answer:
        assert answer.status == 413


@pytest.mark.parametrize("path", ["/files/0123456789abcdef01234567/x", "/files/../x", "/files/%2e%2e/sandbox.sqlite3"])
async def test_only_uploads_are_served(sandbox: Sandbox, path: str) -> None:
    async with sandbox.http.get(path) as answer:
        assert answer.status == 404


async def test_links_use_the_public_address(start: StartSandbox) -> None:
    sandbox = await start(public_url="http://sandbox:8090/")
    hosted = await sandbox.json("POST", "/files", None)
    assert hosted["url"].startswith("http://sandbox:8090/files/")
