"""Asking a server on this machine or in this network one small question, without making anybody wait."""

import json
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from ally.egress.ledger import Transfer, ledger
from ally.egress.location import classify
from ally.egress.offline import is_enabled
from ally.messages import JsonObject

_LARGEST_ANSWER = 4_000_000
_STRANGER = "something else answers there"


class NoAnswer(Exception):  # a look-up has a reason for its callers, not an error for the user
    """Nothing usable came; the text says why, e.g. "it does not run"."""


class OtherAnswer(NoAnswer):
    """Something answers there at once, with anything but the JSON that was asked for."""


def get_json(url: str, timeout_s: float, headers: Mapping[str, str] | None = None) -> JsonObject:
    """The JSON object that a GET of `url` gives, within `timeout_s` whatever the server or the name look-up does.

    Proxies and redirects are not followed, and a server in the cloud is never asked. `headers` are added, e.g. a key.

    Raises:
        NoAnswer: it was not asked, does not run, is too slow, or says something else.
    """
    return _ask(_Question("GET", url, timeout_s, dict(headers or {})))


def post_json(url: str, body: JsonObject, timeout_s: float, headers: Mapping[str, str] | None = None) -> JsonObject:
    """The JSON object that a POST of `body` to `url` gives; all else as in `get_json`.

    Raises:
        NoAnswer: it was not asked, does not run, is too slow, or says something else.
    """
    sent = {"content-type": "application/json", **(headers or {})}
    return _ask(_Question("POST", url, timeout_s, sent, json.dumps(body).encode()))


@dataclass(frozen=True, slots=True)
class _Question:
    method: str
    url: str
    timeout_s: float
    headers: dict[str, str]
    body: bytes | None = None


def _ask(question: _Question) -> JsonObject:
    timeout_s, location = question.timeout_s, classify(question.url)
    if location == "cloud" or (is_enabled() and location != "local"):
        raise NoAnswer("it is not in the local network" if location == "cloud" else "offline")
    found: list[JsonObject | NoAnswer] = []
    # A thread, because looking up a name cannot be given a time limit.
    asking = threading.Thread(target=_look, args=(question, found), daemon=True, name="lookup")
    asking.start()
    asking.join(timeout_s)
    answer = found[0] if found else NoAnswer(f"no answer within {timeout_s:g} s")
    if isinstance(answer, NoAnswer):
        raise answer
    return answer


def _look(question: _Question, found: list[JsonObject | NoAnswer]) -> None:
    try:
        answer: object = json.loads(_send(question))
    except ConnectionRefusedError:
        found.append(NoAnswer("it does not run"))
    except TimeoutError:
        found.append(NoAnswer(f"no answer within {question.timeout_s:g} s"))
    except OSError as error:
        found.append(NoAnswer(error.strerror or str(error)))
    except (ValueError, RecursionError):
        found.append(OtherAnswer(_STRANGER))
    else:
        is_object = isinstance(answer, dict)
        found.append(cast(JsonObject, answer) if is_object else OtherAnswer(_STRANGER))


def _send(question: _Question) -> bytes:
    """The body of a 200 answer that is complete within the time limit."""
    url, timeout_s, headers = question.url, question.timeout_s, question.headers
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    begun = time.monotonic()
    # Refused at once when nothing listens, so that the HTTP modules are not even loaded then.
    socket.create_connection((host, port), timeout=timeout_s).close()
    import http.client  # heavy

    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(host, port, timeout=timeout_s)
    body = bytearray()
    status = None
    try:
        connection.request(question.method, path, question.body, {"accept": "application/json", **headers})
        response = connection.getresponse()
        status = response.status
        if status != 200:
            raise ValueError(f"status {status}")
        while piece := response.read1(65536):
            body += piece
            if time.monotonic() - begun > timeout_s or len(body) > _LARGEST_ANSWER:
                raise TimeoutError(url)
    except http.client.HTTPException as error:
        raise ValueError(_STRANGER) from error
    finally:
        connection.close()
        sent = len(path) + len(host) + 60 + len(question.body or b"")
        sent += sum(len(name) + len(value) + 4 for name, value in headers.items())
        seconds, where = time.monotonic() - begun, classify(url)
        done = Transfer("lookup", question.method, parts.scheme, host, port, where, status, sent, len(body), seconds)
        ledger.add(done)
    return bytes(body)
