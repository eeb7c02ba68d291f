"""Messages: one in a file, or a mailbox of many.

Source: RFC 5322, RFC 2045 to 2047; for mailboxes RFC 4155.
"""

import contextlib
import email
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path

from ally.errors import ExtractionError
from ally.rag.document import Extracted, Heading, Part
from ally.rag.extract.decoding import plain
from ally.rag.extract.kinds import suffix_of
from ally.rag.extract.web import NoPage, read_page
from ally.storage.encoding import detect

_SHOWN = ("Subject", "From", "To", "Cc", "Date")
_MAX_HEADER_CHARS = 1_000
_MAX_PARTS = 1_000
_MAX_NOTES = 20
_SEPARATOR = re.compile(rb"^From [^\r\n]*\r?\n", re.MULTILINE)
_QUOTED_FROM = re.compile(r"^>(?=>*From )", re.MULTILINE)
_FIELD = re.compile(rb"\A(?:From [^\n]*\n)?[!-9;-~]{1,100}:")


@dataclass(slots=True)
class _Mail:
    pieces: list[str] = field(default_factory=list[str])
    parts: list[Part] = field(default_factory=list[Part])
    headings: list[Heading] = field(default_factory=list[Heading])
    left_out: list[str] = field(default_factory=list[str])
    length: int = 0

    def add(self, text: str) -> None:
        self.pieces.append(text)
        self.length += len(text)


def extract(data: bytes, name: str) -> Extracted:
    """Sender, subject, date and words of each message; what is attached is only named."""
    is_mailbox = suffix_of(name) != ".eml" or data.startswith(b"From ")
    mail = _Mail()
    for number, raw in enumerate(_messages(data) if is_mailbox else [data], 1):
        if not _FIELD.match(raw):
            continue
        if is_mailbox:
            mail.parts.append(Part(mail.length, f"message {number}"))
        _add(mail, email.message_from_bytes(raw), is_mailbox=is_mailbox)
    if not mail.pieces:
        raise ExtractionError(Path(name), "holds no message")
    names = mail.left_out[:_MAX_NOTES]
    more = f" and {len(mail.left_out) - len(names)} more" if len(mail.left_out) > len(names) else ""
    notes = (f"attachments were not read: {', '.join(names)}{more}",) if names else ()
    title = "" if is_mailbox else next((one.text for one in mail.headings), "")
    headings, parts = tuple(mail.headings), tuple(mail.parts)
    return Extracted("".join(mail.pieces), "mail", title, headings, parts, line_numbers=(), notes=notes)


def _messages(data: bytes) -> Iterator[bytes]:
    """Each message of a mailbox; a line with `From ` begins one only after an empty line."""
    start = -1
    for found in _SEPARATOR.finditer(data):
        begin = found.start()
        if begin and data[max(0, begin - 2) : begin] != b"\n\n" and data[max(0, begin - 4) : begin] != b"\r\n\r\n":
            continue
        if start >= 0:
            yield data[start:begin]
        start = found.end()
    if start >= 0:
        yield data[start:]
    elif data:
        yield data


def _add(mail: _Mail, message: Message, *, is_mailbox: bool) -> None:
    start = mail.length
    for header in _SHOWN:
        if value := _header(message, header):
            mail.add(f"{header}: {value}\n")
            if header == "Subject":
                mail.headings.append(Heading(start, 1, value))
    body = _body(message, mail)
    mail.add(f"\n{_QUOTED_FROM.sub('', body) if is_mailbox else body}".rstrip() + "\n\n")


def _header(message: Message, name: str) -> str:
    value = message.get(name)
    if value is None:
        return ""
    text = str(value)[: _MAX_HEADER_CHARS * 4]
    with contextlib.suppress(HeaderParseError, LookupError, ValueError):  # then as it is written
        text = str(make_header(decode_header(text)))
    return plain(text)[:_MAX_HEADER_CHARS]


def _body(message: Message, mail: _Mail) -> str:
    """The words, from plain text if there is any, else from pages."""
    texts: list[str] = []
    pages: list[str] = []
    for count, part in enumerate(message.walk()):
        if count >= _MAX_PARTS:
            mail.left_out.append("parts beyond the thousandth")
            break
        kind = part.get_content_type()
        file_name = part.get_filename()
        if part.is_multipart() and kind != "message/rfc822":
            continue
        if kind not in ("text/plain", "text/html") or file_name or part.get_content_disposition() == "attachment":
            mail.left_out.append(plain(str(file_name or kind))[:80])
        elif kind == "text/plain":
            texts.append(_payload(part))
        else:
            pages.append(_payload(part))
    if any(text.strip() for text in texts):
        return "\n".join(texts)
    return "\n".join(_words_of(page) for page in pages)


def _payload(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    text = _decoded(payload, str(part.get_content_charset() or ""))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(data: bytes, charset: str) -> str:
    """As the message says; if that is no encoding, by its bytes."""
    try:
        return data.decode(charset or "utf-8", "strict" if not charset else "replace")
    except (LookupError, UnicodeError):
        found = detect(data)
        return found.decode(data) if found else data.decode("latin-1")


def _words_of(page: str) -> str:
    try:
        return read_page(page.replace("\0", "")).text
    except NoPage:
        return ""
