"""A backup is read completely before anything is touched. Each kind of damage ends in a sentence."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from operate import databases, unfinished
from operate.archive import MANIFEST, ArchiveError, Writer, new_file, read
from operate.compose import CommandError
from operate.encrypted import encrypt
from operate.fitting import problems
from operate.restore import opened
from tests.keys import new_key, public

BIG = b"ab" * 700_000
MANIFEST_OF: dict[str, Any] = {"project": "shop", "postgres_major": 17, "dagster": "1.13.27"}


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """Returns a backup with a large, an empty and a small member."""
    path = tmp_path / "backup.tar"
    with new_file(path) as file:
        archive = Writer(file)
        archive.add("databases/dagster.dump", lambda write: [write(BIG), write(BIG)])
        archive.add("volumes/empty.tar", lambda _: None)
        archive.add("volumes/compute_logs.tar", lambda write: write(b"x"))
        archive.finish(MANIFEST_OF)
    return path


def test_backup_is_read_as_it_was_written(backup: Path) -> None:
    """Sizes are not known before a member ends. Any tar program reads the file too."""
    archive = read(backup)
    assert archive.manifest["dagster"] == "1.13.27"
    assert archive.names("volumes") == ["empty.tar", "compute_logs.tar"]
    assert archive.size == 2 * len(BIG) + 1 + archive.manifest["members"].get(MANIFEST, {"bytes": 0})["bytes"]
    with archive.open("databases/dagster.dump") as member:
        assert member.read() == BIG + BIG
    with tarfile.open(backup) as tar:
        assert tar.getnames() == ["databases/dagster.dump", "volumes/empty.tar", "volumes/compute_logs.tar", MANIFEST]


def test_only_the_owner_reads_a_backup(backup: Path) -> None:
    """It holds passwords."""
    assert backup.stat().st_mode & 0o777 == 0o600


def test_backup_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    """A disk may be full. Half a backup must not look like one."""

    def half() -> None:
        with new_file(tmp_path / "half.tar") as file:
            file.write(b"x" * 5_000)
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        half()
    assert list(tmp_path.iterdir()) == []


def flipped(position: int) -> Callable[[bytearray], None]:
    """Returns a damage that changes one bit."""

    def flip(data: bytearray) -> None:
        data[position] ^= 1

    return flip


def cut(length: int) -> Callable[[bytearray], None]:
    """Returns a damage that cuts the end off."""

    def shorten(data: bytearray) -> None:
        del data[length:]

    return shorten


def replaced(old: bytes, new: bytes) -> Callable[[bytearray], None]:
    """Returns a damage that replaces bytes by as many others."""

    def change(data: bytearray) -> None:
        at = data.rindex(old)
        data[at : at + len(old)] = new.ljust(len(old))

    return change


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (flipped(600), "the backup is damaged: databases/dagster.dump has another hash than in the manifest. Take another one."),
        (flipped(2 * len(BIG) + 500), "databases/dagster.dump has another hash"),
        (cut(4_000), "is no backup, or is cut off|is no whole backup|has no manifest.json"),
        (cut(2 * len(BIG) + 3 * 512), "is no whole backup: it has no manifest.json|is cut off"),
        (cut(0), "is no backup, or is cut off: empty file"),
        (replaced(b'{\n "format"', b'{{ "format"'), "the backup is damaged: manifest.json cannot be read"),
        (
            replaced(b'"format": 1', b'"format": 9'),
            "the backup has format 9, and this release knows 1: restore it with a newer release",
        ),
        (replaced(b'"format": 1', b'"former": 1'), "manifest.json cannot be read"),
        (replaced(b'"volumes/empty.tar"', b'"volumes/empt_.tar"'), "volumes/empt_.tar is missing"),
        (lambda data: data.__setitem__(slice(None), b"not a backup" * 100), "is no backup, or is cut off"),
    ],
)
def test_damaged_backup_is_refused_with_a_sentence(backup: Path, damage: Callable[[bytearray], None], said: str) -> None:
    """Nothing was changed then: the file is read before the deployment is looked at."""
    data = bytearray(backup.read_bytes())
    damage(data)
    backup.write_bytes(data)
    with pytest.raises(ArchiveError, match=said):
        read(backup)


DEPLOYMENT = {"volumes": {"compute_logs": {"name": "shop_compute_logs"}, "empty": {"name": "shop_empty"}}}


@pytest.mark.parametrize(
    ("deployment", "major", "free", "said"),
    [
        (DEPLOYMENT, 17, None, ""),
        (DEPLOYMENT, 18, 2**40, ""),
        (
            {"volumes": {}},
            17,
            None,
            "the backup holds the volume compute_logs, which this deployment has not: add the code location",
        ),
        (DEPLOYMENT, 16, None, "the backup is of Postgres 17, and this deployment has 16: set POSTGRES_IMAGE in .env"),
        (DEPLOYMENT, 17, 2**20, "0.0 GiB of disk for Docker are free, and 0.0 GiB are needed"),
    ],
)
def test_backup_that_does_not_fit_is_refused(
    backup: Path, deployment: dict[str, Any], major: int, free: int | None, said: str
) -> None:
    """A newer Postgres reads the dump of an older one."""
    found = problems(read(backup), deployment, major, free)
    assert "\n".join(found).startswith(said)
    assert bool(found) == bool(said)


@pytest.fixture
def keys(age: None, tmp_path: Path) -> tuple[Path, Path]:
    """Returns two keys of age."""
    return new_key(tmp_path / "mine.key"), new_key(tmp_path / "other.key")


def test_encrypted_backup_is_read_with_its_key_only(backup: Path, keys: tuple[Path, Path]) -> None:
    """Copies of a backup are kept in places that many people can read. What was decrypted does not stay."""
    mine, other = keys
    secret = backup.with_suffix(".tar.age")
    encrypt(backup, secret, public(mine))
    assert secret.stat().st_mode & 0o777 == 0o600
    assert b"manifest.json" not in secret.read_bytes()
    with opened(secret, str(mine)) as archive:
        assert archive.manifest["project"] == "shop"
    for identity, said in (
        ("", f"{secret} is encrypted: IDENTITY=key.txt names the file with the key that belongs to BACKUP_RECIPIENT"),
        (str(other), "no identity matched any of the recipients"),
        (str(mine.with_name("none")), "no such file"),
    ):
        with pytest.raises(CommandError, match=said), opened(secret, identity):
            pass
    data = bytearray(secret.read_bytes())
    data[-100_000] ^= 1
    secret.write_bytes(data)
    with pytest.raises(CommandError, match=r"age --decrypt .* failed"), opened(secret, str(mine)):
        pass
    assert sorted(path.name for path in backup.parent.iterdir()) == sorted(
        [backup.name, secret.name, *(key.name for key in keys)]
    )


def test_wrong_public_key_is_named_and_leaves_no_file(backup: Path, keys: tuple[Path, Path]) -> None:
    """Somebody copies half of it into .env."""
    with pytest.raises(CommandError, match=r"BACKUP_RECIPIENT is set to 'age1half': it must be a public key of `age-keygen`$"):
        encrypt(backup, backup.with_suffix(".tar.age"), "age1half")
    assert {path.suffix for path in backup.parent.iterdir()} == {".tar", ".key"}


def test_manifest_is_readable_for_people(backup: Path) -> None:
    """An operator looks into it with `tar -xOf FILE manifest.json`."""
    with tarfile.open(backup) as tar:
        file = tar.extractfile(MANIFEST)
        assert file
        assert json.loads(file.read())["members"]["volumes/empty.tar"]["bytes"] == 0


def test_program_that_complains_at_length_does_not_hang() -> None:
    """A pipe holds 64 KiB. tar warns about each file of a host whose clock is ahead."""
    noisy = ("sh", "-c", "head -c 1000000 /dev/zero >&2; echo done; cat >/dev/null")
    pieces: list[bytes] = []
    databases.stream("it", noisy, pieces.append)
    assert b"".join(pieces) == b"done\n"
    databases.feed("it", noisy, io.BytesIO(b"x" * 1_000_000))


def test_program_that_fails_is_named_with_its_last_words() -> None:
    """A program that ends early has not read everything."""
    failing = ("sh", "-c", "echo the reason >&2; exit 3")
    with pytest.raises(CommandError, match=r"^reading the volume x failed: the reason$"):
        databases.stream("reading the volume x", failing, lambda _: None)
    with pytest.raises(CommandError, match=r"^writing failed: the reason$"):
        databases.feed("writing", failing, io.BytesIO(b"x" * 10_000_000))


def test_restore_that_breaks_off_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make up` would start an empty deployment, whose schedules begin anew."""
    monkeypatch.setattr(unfinished, "FOLDER", tmp_path)

    def interrupted() -> None:
        with unfinished.in_between("shop", "Try again: make restore FILE=x"):
            raise KeyboardInterrupt

    with pytest.raises(CommandError, match=r"^stopped\nThe restore of 'shop' has not ended. Try again: make restore FILE=x$"):
        interrupted()
    with pytest.raises(CommandError, match=r"^The restore of 'shop' has not ended. Try again: make restore FILE=x$"):
        unfinished.check("shop")
    with unfinished.in_between("shop", "again"):
        pass
    unfinished.check("shop")
