"""Files: the cache folder, and writing so that nobody ever sees half a file."""

from __future__ import annotations

import errno
import os
import platform
import secrets
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import platformdirs

from aelib import AelibError

CACHE_VARIABLE = "AELIB_CACHE"
PART = ".part"  # how the names of temporary files end
# On Windows one cannot ask harmlessly whether a process still runs: a file's age has to do.
ABANDONED_AFTER = 3600  # seconds

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PROTECTED = (errno.EACCES, errno.EPERM, errno.EROFS)
TOO_LONG = (errno.ENAMETOOLONG,)
NO_FOLDER = (errno.ENOTDIR, errno.EEXIST, errno.EISDIR)


class FileError(AelibError, OSError):
    """A file that cannot be read or written; the message names it and says what to do."""


def cache_folder() -> Path:
    """Return the per-user folder for unpacked files and unfinished training runs.

    The environment variable AELIB_CACHE names another one; ~ in it means the home folder,
    and if it is blank it counts as not set. Raises FileError if it names a file.
    """
    chosen = os.environ.get(CACHE_VARIABLE, "").strip()
    if not chosen:
        return Path(platformdirs.user_cache_dir("aelib", False))
    folder = expanded(chosen, CACHE_VARIABLE).absolute()
    if os.path.isfile(folder):
        raise FileError(
            f"{CACHE_VARIABLE} must name a folder, and {folder} is a file: name a folder, "
            "or unset the variable"
        )
    return folder


def expanded(path: str | os.PathLike[str], name: str = "the path") -> Path:
    """Return a path in which ~ means the home folder.

    name: what the path is, for the FileError that is raised if there is no such home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise FileError(
            f"{name} is {str(path)!r}, but there is no such home folder: write out the path"
        ) from None


def read_if_there(path: Path, remedy: str) -> bytes | None:
    """Return what a file holds, or None if there is none.

    Raises FileError, which names the file and the remedy, if it cannot be read: a folder, say.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        said = f"{path} could not be read: {error.strerror or error}. {remedy}"
        explained = FileError(said)
        explained.errno = error.errno
        raise explained from error


def write_atomically(target: Path, content: bytes) -> None:
    """Write `content` to `target` so that nobody ever sees half of it.

    The bytes go to a temporary file beside the target, which then takes its name in one
    step. When this returns they are on the disk itself, and a loss of power leaves the old
    content or the new one. Two processes may do this at once: the last one wins.

    Raises FileError, which says what to do, if it cannot be done; what was there before is
    then unchanged.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(target)
        mark = f"{platform.node()}-{os.getpid()}-{secrets.token_hex(4)}"
        temporary = target.with_name(f".{target.name}.{mark}{PART}")
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            _replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
        _synchronise(target.parent)
    except OSError as error:
        raise _explained(error, target) from error


def remove(path: Path) -> None:
    """Remove a file, if it is there. Raises FileError, which says what to do, if it cannot be."""
    try:
        if os.path.lexists(path):  # a disk that cannot be written to refuses to remove nothing
            path.unlink(missing_ok=True)
    except OSError as error:
        raise _explained(error, path, "removed") from error


def check_writable(folder: Path) -> None:
    """Raise FileError unless files can be written to `folder`, which is made if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _explained(error, folder) from error


def _explained(error: OSError, target: Path, done: str = "written") -> FileError:
    remedy = ""
    if error.errno in FULL:
        remedy = ". Make room there"
    elif error.errno in PROTECTED:
        remedy = ". Make the place writable"
    elif error.errno in TOO_LONG:
        remedy = ". Give a shorter path"
    elif error.errno in NO_FOLDER:
        remedy = (
            ". A file stands where a folder is needed, or the other way round: give another path"
        )
    if remedy and _is_within(target, cache_folder()):
        remedy += f", or name another folder in {CACHE_VARIABLE}"
    explained = FileError(
        f"{target} could not be {done}: {error.strerror or error}{remedy}. "
        "What was there before is unchanged."
    )
    explained.errno = error.errno
    return explained


def _is_within(target: Path, folder: Path) -> bool:
    return target.absolute().is_relative_to(folder)


def _remove_abandoned(target: Path) -> None:
    """Remove the temporary files of writers of `target` that were killed."""
    start = f".{target.name}."
    for path in target.parent.iterdir():
        if not (path.name.startswith(start) and path.name.endswith(PART)):
            continue
        machine, _, rest = path.name[len(start) : -len(PART)].rpartition("-")[0].rpartition("-")
        if machine == platform.node() and rest.isdecimal() and _is_abandoned(path, int(rest)):
            path.unlink(missing_ok=True)


def _is_abandoned(path: Path, process: int) -> bool:
    if os.name == "nt":
        with suppress(FileNotFoundError):
            return time.time() - path.stat().st_mtime > ABANDONED_AFTER
        return False
    try:
        os.kill(process, 0)  # signal 0 asks, and does nothing
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # it runs, and is somebody else's
    return False


def _replace(temporary: Path, target: Path) -> None:
    for pause in (0.05, 0.2, 1.0, None):
        try:
            os.replace(temporary, target)
        except PermissionError:
            # Windows refuses to replace a file that another process is reading. If that
            # process has just written the same bytes, there is nothing left to do.
            if target.exists() and target.read_bytes() == temporary.read_bytes():
                return
            if pause is None:
                raise
            time.sleep(pause)
        else:
            return


def _synchronise(folder: Path) -> None:
    # The new name is in the folder, which is a file of its own to the disk. Windows has no
    # such call, and some file systems refuse it: they keep their own order.
    if os.name == "nt":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
