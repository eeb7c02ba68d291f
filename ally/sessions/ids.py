"""Ids of sessions: ten characters, such as `7kzm2x3f0q`, made to be typed: a few of them are enough.

Four characters are chance, so that the sessions of one day differ from the first on; six are the second of the
beginning. The alphabet is Crockford's base 32, which has no i, l, o and u; whoever types them means 1, 1, 0 and v.
"""

import secrets
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 10

_TIME_BITS = 30
_EPOCH = 1_704_067_200  # 2024-01-01; the count begins anew after 34 years, and nothing is ordered by it
_TYPED = str.maketrans("ilou", "110v")


def new_id() -> str:
    """An id that nobody has, but for a chance of one in a million for each other session of the same second."""
    seconds = (int(time.time()) - _EPOCH) % (1 << _TIME_BITS)
    value = (secrets.randbits(20) << _TIME_BITS) | seconds
    return "".join(ALPHABET[value >> shift & 31] for shift in range(5 * (LENGTH - 1), -1, -5))


def as_typed(text: str) -> str:
    """`text` as an id or its beginning is spelled; "" if it can be neither."""
    spelled = text.strip().lower().translate(_TYPED)
    return spelled if len(spelled) <= LENGTH and set(spelled) <= set(ALPHABET) else ""
