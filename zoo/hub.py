"""Files from the Hugging Face Hub, with errors that say what to do."""

from __future__ import annotations

from pathlib import Path

from zoo.errors import ZooError


def fetch(repo: str, file: str, revision: str | None, cache_dir: Path | None, offline: bool | None) -> Path:
    """Path of a Hub file in the local cache, downloaded when it is not there.

    `HF_HOME`, `HF_HUB_OFFLINE`, `HF_ENDPOINT` and tokens mean what they mean to `huggingface_hub`.

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
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    where = f"{repo}/{file}" + (f" at {revision}" if revision else "")
    try:
        return Path(hf_hub_download(repo, file, revision=revision, cache_dir=cache_dir, local_files_only=bool(offline)))
    except LocalEntryNotFoundError:
        raise ZooError(f"{where} is not in the cache and the Hub was not reached; load it once online") from None
    except GatedRepoError:
        raise ZooError(f"{repo} is gated; accept its terms on its page and log in with `hf auth login`") from None
    except RepositoryNotFoundError:
        raise ZooError(f"no Hub repository {repo}, or it is private; if so, log in with `hf auth login`") from None
    except RevisionNotFoundError:
        raise ZooError(f"{repo} has no revision {revision}") from None
    except EntryNotFoundError:
        raise ZooError(f"{repo} has no file {file}") from None
    except HFValidationError as error:
        raise ZooError(f"{repo!r} is no Hub repository name: {' '.join(str(error).split())}") from None
    except (
        Exception
    ) as error:  # the HTTP library differs between releases of huggingface_hub; a full disk ends here too
        raise ZooError(f"{where} could not be fetched: {' '.join(str(error).split())[:300]}") from error
