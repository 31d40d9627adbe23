"""Files from the Hugging Face Hub, with errors that say what to do."""

from __future__ import annotations

import contextlib
import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.resources import file_sha256

WEIGHTS, CONFIG = "model.safetensors", "config.json"
"""Names in a published repository; `config.json` holds the SHA-256 of the weights."""


def fetch(repo: str, file: str, revision: str | None, cache_dir: Path | None, offline: bool | None) -> Path:
    """Path of a Hub file in the local cache, downloaded when it is not there.

    `HF_HOME`, `HF_HUB_OFFLINE`, `HF_ENDPOINT` and tokens mean what they mean to `huggingface_hub`. A commit that is in
    the cache is used without asking the network; a branch is asked for, and taken from the cache when that fails.

    Args:
        repo: `user/name`.
        file: path inside the repository.
        revision: commit, tag or branch; the main branch when None.
        cache_dir: cache folder instead of the usual one.
        offline: True keeps off the network, None leaves it to `HF_HUB_OFFLINE`.

    Raises:
        ZooError: no such repository, revision or file, no access, no network, or no room.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted: dict[str, Any] = {"repo_id": repo, "filename": file, "revision": revision, "cache_dir": cache_dir}
    with explained(repo, f"{repo}/{file}" + (f" at {revision}" if revision else "")):
        try:
            return Path(hf_hub_download(**wanted, local_files_only=bool(offline)))
        except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError):
            raise
        except Exception as error:  # a connection that breaks off: the client gives up without looking into the cache
            with contextlib.suppress(LocalEntryNotFoundError):
                return Path(hf_hub_download(**wanted, local_files_only=True))
            raise error


def fetch_published(repo: str, revision: str | None, cache_dir: Path | None, offline: bool | None) -> Path:
    """Path of the weights of a repository written by `zoo push`, checked against its `config.json`.

    Both files are of the same commit, also when the branch moves between the two downloads.

    Args:
        repo: as for `fetch`, like the arguments after it.
        revision: see there.
        cache_dir: see there.
        offline: see there.

    Raises:
        ZooError: see `fetch`; or the repository was not written by `zoo push`, or the weights are damaged.
    """
    config = fetch(repo, CONFIG, revision, cache_dir, offline)
    try:
        expected = json.loads(config.read_text(encoding="utf-8"))["sha256"]
    except (ValueError, KeyError, TypeError):
        raise ZooError(f"{repo} was not published with zoo push: its {CONFIG} names no sha256") from None
    path = fetch(repo, WEIGHTS, config.parent.name, cache_dir, offline)
    check_cached(path, str(expected))
    return path


def check_cached(path: Path, sha256: str) -> None:
    """Compare a file of the Hub cache with its SHA-256; a wrong one is removed, so that the next load fetches it anew.

    Raises:
        ZooError: it is another file, or damaged.
    """
    found = file_sha256(path)
    if found == sha256:
        return
    with contextlib.suppress(OSError):  # a cache that cannot be written to keeps it, and every load refuses it
        path.resolve().unlink(missing_ok=True)  # the blob that the cache's link points at
        path.unlink(missing_ok=True)
    raise ZooError(f"{path} is not the listed file (sha256 {found[:12]}..., not {sha256[:12]}...); load it again")


@contextmanager
def explained(repo: str, where: str) -> Iterator[None]:
    """Turn the errors of `huggingface_hub` into one line that names what to do.

    Args:
        repo: `user/name`.
        where: what was asked for.
    """
    from huggingface_hub import errors

    try:
        yield
    except errors.LocalEntryNotFoundError as error:
        raise ZooError(f"{where} is not in the cache and {_why_unreached(error)}") from None
    except errors.GatedRepoError:
        raise ZooError(f"{repo} is gated; accept its terms on its page and log in with `hf auth login`") from None
    except errors.RepositoryNotFoundError:
        raise ZooError(f"no Hub repository {repo}, or it is private; if so, log in with `hf auth login`") from None
    except errors.RevisionNotFoundError:
        raise ZooError(f"{where}: the repository has no such revision") from None
    except errors.EntryNotFoundError:
        raise ZooError(f"{where}: the repository has no such file") from None
    except errors.HFValidationError as error:
        raise ZooError(f"{repo!r} is no Hub repository name: {' '.join(str(error).split())}") from None
    except errors.HfHubHTTPError as error:
        raise ZooError(f"{where}: {_answer(error)}") from None
    except ZooError:
        raise
    except Exception as error:  # the HTTP library, and so its errors, differ between releases of huggingface_hub
        if isinstance(error, OSError) and (error.filename or error.errno in _FOLDER):
            advice = _FOLDER.get(error.errno or 0, "choose another folder")
            place = f"{error.strerror} {error.filename or ''}".strip()
            raise ZooError(f"{where} could not be stored: {place}; {advice} with cache_dir or HF_HOME") from None
        raise ZooError(f"{where}: the transfer failed ({' '.join(str(error).split())[:200]}); try again") from error


def _why_unreached(error: BaseException) -> str:
    cause = error.__cause__
    if getattr(cause, "response", None) is not None:
        return _answer(cause)
    if cause is None or type(cause).__name__ == "OfflineModeIsEnabled":
        return "the network is switched off (offline=True or HF_HUB_OFFLINE); load it once online"
    return f"the Hub was not reached ({type(cause).__name__}); check the connection and HF_ENDPOINT"


def _answer(error: BaseException | None) -> str:
    status = int(getattr(getattr(error, "response", None), "status_code", 0))
    advice = {
        401: "log in with `hf auth login`",
        403: "your token does not allow this; log in with one that does",
        429: "too many requests; wait some minutes, or log in for a higher limit",
    }
    return f"the Hub answered {status}; {advice.get(status, 'try again later')}"


_FOLDER = {
    errno.ENOSPC: "free some space or choose another folder",
    errno.EDQUOT: "free some space or choose another folder",
    errno.EFBIG: "choose another folder",
    errno.EROFS: "choose a folder that can be written to",
    errno.EACCES: "choose a folder that can be written to",
    errno.EPERM: "choose a folder that can be written to",
}
"""Errors of the cache folder, and what to do."""
