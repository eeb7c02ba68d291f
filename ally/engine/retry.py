"""When a failed model call is worth another try, and after how long."""

import random

from ally.errors import ProviderError, RateLimited

MAX_ATTEMPTS = 4
LONGEST_WAIT_S = 60.0
_FIRST_WAIT_S = 0.5


def next_wait_s(error: ProviderError, attempt: int) -> float | None:
    """Seconds to wait before try `attempt + 1`, None when trying again would not help.

    A rate limit is waited for exactly as long as the service says. When it says nothing, or more than a minute, the
    budget is spent rather than the pace too high, and the user is told instead (seen with spend caps, which send no
    Retry-After). Other transient failures wait 0.5, 1, 2 s with up to a quarter more at random.
    """
    if not error.retryable or attempt >= MAX_ATTEMPTS:
        return None
    if isinstance(error, RateLimited):
        wait_s = error.retry_after_s
        return wait_s if wait_s is not None and wait_s <= LONGEST_WAIT_S else None
    return _FIRST_WAIT_S * 2 ** (attempt - 1) * (1 + random.random() / 4)  # noqa: S311 - jitter, no secret
