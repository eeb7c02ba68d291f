"""What left this machine, to whom and how much."""

import threading
from collections import Counter, deque
from dataclasses import dataclass

from ally.egress.location import Location

_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Transfer:
    """One HTTP request, answered, failed or refused.

    Bytes count the request line, headers and body as written and the status line, headers and body as received, before
    decompression; what TLS and TCP add is not in them. `status` is None if no answer came. `error` is the name of the
    exception that ended it. The path is left out, because it can hold a key.
    """

    purpose: str
    method: str
    scheme: str
    host: str
    port: int
    location: Location
    status: int | None
    bytes_sent: int
    bytes_received: int
    seconds: float
    refused: bool = False
    error: str = ""
    proxy: str = ""


class Ledger:
    """The transfers of this process in the order in which they ended; the newest 10,000 are kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._transfers: deque[Transfer] = deque(maxlen=_KEPT)
        self._sent: Counter[Location] = Counter()

    def add(self, transfer: Transfer) -> None:
        """Note one transfer; safe from any thread."""
        with self._lock:
            self._transfers.append(transfer)
            self._sent[transfer.location] += transfer.bytes_sent

    def sent_bytes(self, location: Location) -> int:
        """What all transfers to `location` have sent, those too that are not kept any more."""
        return self._sent[location]

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        """All kept transfers."""
        with self._lock:
            return tuple(self._transfers)


ledger = Ledger()
"""The ledger of this process."""
