import asyncio
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.journal import Fact, Journal
from tests.sandbox.world import left_by_a_kill


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Fact):
    text: str


async def reopened(folder: Path) -> list[Fact]:
    journal = Journal(folder, [Said])
    try:
        return await journal.open()
    finally:
        await journal.close()


async def test_facts_come_back_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new" / "folder", [Said])
    assert await journal.open() == []
    said = [Said(text=str(number)) for number in range(20)]
    await asyncio.gather(*(journal.append(fact) for fact in said))
    journal.note(Said(text="last"))
    await journal.close()
    assert await reopened(tmp_path / "new" / "folder") == [*said, Said(text="last")]


async def test_what_was_appended_is_on_disk_before_it_is_answered(tmp_path: Path) -> None:
    journal = Journal(tmp_path, [Said])
    await journal.open()
    await journal.append(Said(text="kept"))
    assert await reopened(left_by_a_kill(tmp_path)) == [Said(text="kept")]
    await journal.close()


async def test_a_failed_write_is_told_and_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, [Said])
    await journal.open()

    def full(_rows: object) -> None:
        raise sqlite3.OperationalError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(journal, "_write", full)
        with pytest.raises(sqlite3.OperationalError, match="disk full"):
            await journal.append(Said(text="first"))
    await journal.append(Said(text="second"))
    await journal.close()
    assert await reopened(tmp_path) == [Said(text="first"), Said(text="second")]


async def test_without_a_folder_nothing_is_kept() -> None:
    for _ in range(2):
        journal = Journal(None, [Said])
        assert await journal.open() == []
        await journal.append(Said(text="x"))
        await journal.close()


async def test_two_sandboxes_do_not_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.journal.BUSY_SECONDS", 0.05)
    journal = Journal(tmp_path, [Said])
    await journal.open()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await reopened(tmp_path)
    await journal.close()
