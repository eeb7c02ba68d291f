"""Fetching a file of a Hugging Face repository, going on where an earlier attempt stopped."""

# The hub's library leaves type arguments out of its signatures.
# pyright: reportUnknownVariableType=false

import os
import re
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ally.egress import offline
from ally.errors import AllyError, MissingPackage, ModelFileError
from ally.models.catalogue import HubSource
from ally.models.fetch import Fetched, Job

if TYPE_CHECKING:
    import httpx2

_SHA256 = re.compile(r"[0-9a-f]{64}")
_CONNECT_S = 10.0
_IDLE_S = 60.0
_CHUNK_BYTES = 256 * 1024


def fetch_from_hub(job: Job, source: HubSource) -> Fetched:
    """Download the file into a part file that survives an interruption.

    The hub's library names the file, finds the user's token and retries short failures; its requests go through
    Ally's own transport. `HF_ENDPOINT` names another hub.

    Raises:
        MissingPackage: huggingface-hub is not installed.
        ModelFileError: the hub does not have the file, does not give it, or has another one than expected.
    """
    try:
        from huggingface_hub import set_client_factory  # heavy
    except ImportError:
        raise MissingPackage("huggingface-hub", hint="pip install 'ally-assistant[local]'") from None
    set_client_factory(_open_client)
    try:
        return _download(job, source)
    except AllyError:
        raise
    except Exception as exc:  # boundary: whatever the hub's library raises
        raise _explain(job, source, exc) from exc


def _download(job: Job, source: HubSource) -> Fetched:
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url  # heavy
    from huggingface_hub.file_download import http_get  # heavy
    from huggingface_hub.utils import build_hf_headers, logging  # heavy

    logging.set_verbosity_error()
    # With the library's 10 MB a slow connection shows nothing for a minute and loses as much when it is cut.
    constants.DOWNLOAD_CHUNK_SIZE = _CHUNK_BYTES
    # The library reads HF_ENDPOINT only when it is imported, which may have been before .env was read.
    endpoint = os.environ.get("HF_ENDPOINT") or None
    url = hf_hub_url(source.repo, source.file, revision=source.revision, endpoint=endpoint)
    facts = get_hf_file_metadata(url, timeout=_CONNECT_S, endpoint=endpoint)
    published = facts.etag if facts.etag and _SHA256.fullmatch(facts.etag) else None
    _check_expected(job, published, facts.size)
    # A part of one version of the file must not be completed with the rest of another.
    part = job.part(re.sub(r"[^0-9A-Za-z]", "", facts.etag or source.revision)[:16] or "hub")
    for other in job.folder.glob(f".{job.model}.*.part"):
        if other != part:
            other.unlink(missing_ok=True)
    done = part.stat().st_size if part.exists() else 0
    if facts.etag is None or (facts.size is not None and done > facts.size):
        part.unlink(missing_ok=True)
        done = 0
    if facts.size is not None:
        job.check_space(facts.size - done)
    job.tell(done, facts.size)
    with part.open("ab") as file:
        http_get(
            url,
            file,
            resume_size=done,
            headers={**build_hf_headers(), "Accept-Encoding": "identity"},
            expected_size=facts.size,
            tqdm_class=_bar(job),
        )
    return Fetched(part, published)


def _check_expected(job: Job, sha256: str | None, size: int | None) -> None:
    differs = (sha256 and job.sha256 and sha256 != job.sha256) or (size and job.size_bytes and size != job.size_bytes)
    if differs:
        raise ModelFileError(
            f"The hub has another file for {job.model} than the catalogue expects (SHA-256 {sha256}, {size} bytes).",
            model=job.model,
            hint=f"if you trust it, fetch it under a name of your own: ally models pull my-model --from {job.source}",
        )


def _open_client() -> "httpx2.Client":
    from ally.egress.transport import open_sync_client  # heavy

    client = open_sync_client("model download", connect_timeout_s=_CONNECT_S, idle_timeout_s=_IDLE_S)
    client.follow_redirects = True
    return client


def _bar(job: Job) -> Any:  # Any: stands in for tqdm's class, of which the library uses these four methods
    class Bar:
        def __init__(self, *, total: int | None = None, initial: int = 0, **_: object) -> None:
            self._done, self._total = initial, total

        def __enter__(self) -> "Bar":
            return self

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            return None

        def update(self, count: int = 1) -> None:
            self._done += count
            job.tell(self._done, self._total)

    return Bar


def _explain(job: Job, source: HubSource, exc: Exception) -> AllyError:
    from huggingface_hub import errors  # heavy

    where = f"{source.repo}/{source.file}"
    blocked = offline.find_blocked(exc)
    if blocked is not None:
        message, hint = f"Offline mode: refused to contact {blocked.destination}.", "leave out --offline for this once"
    elif isinstance(exc, errors.GatedRepoError):
        message = f"{source.repo} is only for those who accepted its terms on the hub."
        hint = "accept them there, then set HF_TOKEN in .env"
    elif isinstance(exc, errors.RepositoryNotFoundError | errors.EntryNotFoundError | errors.RevisionNotFoundError):
        message, hint = f"The hub has no file {where} (revision {source.revision}).", "check owner, repository and file"
    elif isinstance(exc, errors.OfflineModeIsEnabled):
        message, hint = f"HF_HUB_OFFLINE is set, so {where} cannot be fetched.", "unset HF_HUB_OFFLINE"
    else:
        message = f"{job.model} could not be fetched from the hub: {type(exc).__name__}: {exc}"
        hint = "run the same command again: it goes on where it stopped; HF_ENDPOINT names another hub"
    return ModelFileError(message, model=job.model, hint=hint)
