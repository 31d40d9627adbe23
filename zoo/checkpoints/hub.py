"""Files from the Hugging Face Hub, with errors that name the fix."""

from __future__ import annotations

import contextlib
import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zoo.documents.resources import file_sha256
from zoo.errors import ZooError, one_line

WEIGHTS, CONFIG = "model.safetensors", "config.json"
"""Names in a published repository; `config.json` holds the SHA-256 of the weights."""


def fetch(repo: str, file: str, revision: str | None, cache_dir: Path | None, offline: bool | None) -> Path:
    """Path of a Hub file in the local cache, downloaded when it is missing.

    `HF_HOME`, `HF_HUB_OFFLINE`, `HF_ENDPOINT` and tokens work as in `huggingface_hub`. A commit that is in the cache is
    used without a request; a branch is looked up on the Hub, and in the cache when that fails.

    Args:
        repo: `user/name`.
        file: path inside the repository.
        revision: commit, tag or branch; the main branch when None.
        cache_dir: cache folder instead of the default one.
        offline: True avoids the network, None leaves it to `HF_HUB_OFFLINE`.

    Raises:
        ZooError: no such repository, revision or file, no access, no network, or no space.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    request: dict[str, Any] = {"repo_id": repo, "filename": file, "revision": revision, "cache_dir": cache_dir}
    with translate_hub_errors(repo, f"{repo}/{file}" + (f" at {revision}" if revision else "")):
        try:
            return Path(hf_hub_download(**request, local_files_only=bool(offline)))
        except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError):
            raise
        except Exception as error:  # a connection that breaks off: the client gives up without looking into the cache
            with contextlib.suppress(LocalEntryNotFoundError):
                return Path(hf_hub_download(**request, local_files_only=True))
            raise error


def fetch_published(repo: str, revision: str | None, cache_dir: Path | None, offline: bool | None) -> Path:
    """Path of the weights of a repository written by `zoo push`, verified against its `config.json`.

    Both files are of the same commit, also when the branch moves between the two downloads.

    Args:
        repo: as for `fetch`.
        revision: as for `fetch`.
        cache_dir: as for `fetch`.
        offline: as for `fetch`.

    Raises:
        ZooError: see `fetch`; or the repository was not written by `zoo push`, or the weights are damaged.
    """
    config = fetch(repo, CONFIG, revision, cache_dir, offline)
    try:
        expected = json.loads(config.read_text(encoding="utf-8"))["sha256"]
    except (ValueError, KeyError, TypeError):
        raise ZooError(f"{repo} was not published with zoo push: its {CONFIG} names no sha256") from None
    path = fetch(repo, WEIGHTS, config.parent.name, cache_dir, offline)
    verify_cached(path, str(expected))
    return path


def verify_cached(path: Path, sha256: str) -> None:
    """Compare a file of the Hub cache with its SHA-256; a wrong one is removed and so downloaded again.

    Raises:
        ZooError: it is another file, or damaged.
    """
    actual = file_sha256(path)
    if actual == sha256:
        return
    with contextlib.suppress(OSError):  # a cache that cannot be written to keeps it, and every load refuses it
        path.resolve().unlink(missing_ok=True)  # the blob that the cache's link points at
        path.unlink(missing_ok=True)
    raise ZooError(f"{path} is not the listed file (sha256 {actual[:12]}..., not {sha256[:12]}...); load it again")


@contextmanager
def translate_hub_errors(repo: str, where: str) -> Iterator[None]:
    """Translate the errors of `huggingface_hub` into one line that names the fix.

    Args:
        repo: `user/name`.
        where: what was requested, for the message.
    """
    from huggingface_hub import errors

    try:
        yield
    except errors.LocalEntryNotFoundError as error:
        raise ZooError(f"{where} is not in the cache and {_describe_connection_failure(error)}") from None
    except errors.GatedRepoError:
        raise ZooError(f"{repo} is gated; accept its terms on its page and log in with `hf auth login`") from None
    except errors.RepositoryNotFoundError:
        raise ZooError(f"no Hub repository {repo}, or it is private; if so, log in with `hf auth login`") from None
    except errors.RevisionNotFoundError:
        raise ZooError(f"{where}: the repository has no such revision") from None
    except errors.EntryNotFoundError:
        raise ZooError(f"{where}: the repository has no such file") from None
    except errors.HFValidationError as error:
        raise ZooError(f"{repo!r} is no Hub repository name: {one_line(error)}") from None
    except errors.HfHubHTTPError as error:
        raise ZooError(f"{where}: {_describe_response(error)}") from None
    except ZooError:
        raise
    except Exception as error:  # the HTTP library, and so its errors, differ between releases of huggingface_hub
        if isinstance(error, OSError) and (error.filename or error.errno in _FOLDER_ADVICE):
            advice = _FOLDER_ADVICE.get(error.errno or 0, "choose another folder")
            reason = f"{error.strerror} {error.filename or ''}".strip()
            raise ZooError(f"{where} could not be stored: {reason}; {advice} with cache_dir or HF_HOME") from None
        raise ZooError(f"{where}: the transfer failed ({one_line(error, 200)}); try again") from error


def _describe_connection_failure(error: BaseException) -> str:
    cause = error.__cause__
    if getattr(cause, "response", None) is not None:
        return _describe_response(cause)
    if cause is None or type(cause).__name__ == "OfflineModeIsEnabled":
        return "the network is switched off (offline=True or HF_HUB_OFFLINE); load it once online"
    return f"the Hub was not reached ({type(cause).__name__}); check the connection and HF_ENDPOINT"


def _describe_response(error: BaseException | None) -> str:
    status = int(getattr(getattr(error, "response", None), "status_code", 0))
    advice = {
        401: "log in with `hf auth login`",
        403: "your token does not allow this; log in with one that does",
        429: "too many requests; wait some minutes, or log in for a higher limit",
    }
    return f"the Hub responded with status {status}; {advice.get(status, 'try again later')}"


_FOLDER_ADVICE = {
    errno.ENOSPC: "free some space or choose another folder",
    errno.EDQUOT: "free some space or choose another folder",
    errno.EFBIG: "choose another folder",
    errno.EROFS: "choose a folder that can be written to",
    errno.EACCES: "choose a folder that can be written to",
    errno.EPERM: "choose a folder that can be written to",
}
"""Errors of the cache folder, and the fix."""
