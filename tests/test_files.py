import errno
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from aelib import files
from aelib.files import FileError


def test_the_variable_names_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AELIB_CACHE", str(tmp_path))
    assert files.cache_folder() == tmp_path


def test_a_kill_in_the_middle_leaves_no_half_file(tmp_path, monkeypatch):
    target = tmp_path / "file"
    files.write_atomically(target, b"old")

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        files.write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_somebody_reads_on_windows_may_keep_equal_bytes(tmp_path, monkeypatch):
    target = tmp_path / "file"
    target.write_bytes(b"same")

    def locked(*_):
        raise PermissionError(f"{target} is open")

    monkeypatch.setattr(files.os, "replace", locked)
    files.write_atomically(target, b"same")
    with pytest.raises(files.FileError, match="is open"):
        files.write_atomically(target, b"other")
    assert list(tmp_path.iterdir()) == [target] and target.read_bytes() == b"same"


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_a_blank_variable_counts_as_not_set(blank, monkeypatch):
    monkeypatch.delenv("AELIB_CACHE")
    usual = files.cache_folder()
    monkeypatch.setenv("AELIB_CACHE", blank)
    assert files.cache_folder() == usual and usual.name == "aelib"


def test_a_tilde_means_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("AELIB_CACHE", "~/course")
    assert files.cache_folder() == tmp_path / "course"
    monkeypatch.setenv("AELIB_CACHE", "~nobody-of-that-name/course")
    with pytest.raises(files.FileError, match="no such home folder"):
        files.cache_folder()


def test_a_relative_cache_is_one_folder_wherever_it_is_asked_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AELIB_CACHE", "course")
    assert files.cache_folder() == tmp_path / "course"


def test_a_variable_that_names_a_file_is_said(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("mine")
    monkeypatch.setenv("AELIB_CACHE", str(path))
    with pytest.raises(files.FileError, match="AELIB_CACHE must name a folder") as caught:
        files.cache_folder()
    assert str(path) in str(caught.value)
    monkeypatch.setenv("AELIB_CACHE", str(path / "below"))
    with pytest.raises(files.FileError, match="Not a directory") as caught:
        files.write_atomically(files.cache_folder() / "x", b"")
    assert str(path) in str(caught.value) and path.read_text() == "mine"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "No space left on device. Make room there"),
        (errno.EDQUOT, "Make room there"),
        (errno.EACCES, "Permission denied. Make the place writable"),
        (errno.EROFS, "Make the place writable"),
        (errno.EIO, "error"),
    ],
)
@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_what_cannot_be_written_is_named_with_a_remedy(
    number, remedy, moment, tmp_path, monkeypatch
):
    target = tmp_path / "file"
    target.write_bytes(b"old")

    def fails(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, moment, fails)
    for cache, hint in ((tmp_path, True), (tmp_path / "elsewhere", False)):
        monkeypatch.setenv("AELIB_CACHE", str(cache))
        with pytest.raises(files.FileError, match=remedy) as caught:
            files.write_atomically(target, b"new")
        assert str(target) in str(caught.value) and caught.value.errno == number
        assert ("AELIB_CACHE" in str(caught.value)) == (hint and number != errno.EIO)
        assert target.read_bytes() == b"old" and list(tmp_path.iterdir()) == [target]


def test_what_is_written_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        function = getattr(files.os, name)
        monkeypatch.setattr(
            files.os, name, lambda *given, f=function, n=name: calls.append(n) or f(*given)
        )
    files.write_atomically(tmp_path / "file", b"content")
    assert calls == ["fsync", "replace", "fsync"][: 2 if os.name == "nt" else 3]


@pytest.mark.skipif(os.name == "nt", reason="asks whether a process runs")
def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    machine = platform.node()
    abandoned = tmp_path / f".file.{machine}-{dead.pid}-0123abcd.part"
    living = tmp_path / f".file.{machine}-{os.getpid()}-0123abcd.part"
    elsewhere = tmp_path / f".file.not-{machine}-{dead.pid}-0123abcd.part"
    anothers = tmp_path / f".file2.{machine}-{dead.pid}-0123abcd.part"
    mine = tmp_path / ".file.notes.part"
    for path in (abandoned, living, elsewhere, anothers, mine):
        path.touch()
    files.write_atomically(tmp_path / "file", b"content")
    kept = {tmp_path / "file", living, elsewhere, anothers, mine}
    assert set(tmp_path.iterdir()) == kept


def test_a_new_file_has_the_usual_permissions(tmp_path):
    files.write_atomically(tmp_path / "ours", b"")
    (tmp_path / "usual").touch()
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_a_file_has_the_permissions_of_a_new_one(tmp_path):
    (tmp_path / "ordinary").write_bytes(b"")
    files.write_atomically(tmp_path / "ours", b"content")
    assert os.stat(tmp_path / "ours").st_mode == os.stat(tmp_path / "ordinary").st_mode


def test_removing_nothing_needs_no_right_to_write(tmp_path, monkeypatch):
    def protected(path, missing_ok=False):
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "unlink", protected)
    files.remove(tmp_path / "nothing")
    (tmp_path / "file").touch()
    files.remove(tmp_path / "file" / "below")  # a file where a folder would be
    with pytest.raises(FileError, match=r"file could not be removed: .* Make the place writable"):
        files.remove(tmp_path / "file")


def test_a_folder_is_not_removed_as_a_file(tmp_path):
    with pytest.raises(FileError, match=f"{tmp_path} could not be removed"):
        files.remove(tmp_path)


def test_a_cache_of_too_long_a_name_is_said_with_the_variable(monkeypatch):
    monkeypatch.setenv("AELIB_CACHE", "a" * 300)
    with pytest.raises(
        FileError, match="Give a shorter path, or name another folder in AELIB_CACHE"
    ):
        files.check_writable(files.cache_folder() / "runs")
