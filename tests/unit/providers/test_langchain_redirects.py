"""Where the SDKs under LangChain may be led."""

import pytest

from ally.errors import BadReply
from ally.messages import user
from ally.providers.langchain import wrap_llm
from ally.providers.model import Request
from tests.fakes import KEY
from tests.unit.egress.servers import BytesServer
from tests.unit.providers.langchain_objects import HI, VENDORS, Plugin, Vendor, fail

REFUSAL = b"HTTP/1.1 400 No\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


def redirect(to: str) -> bytes:
    return f"HTTP/1.1 307 There\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


class Address:
    """As much of a fake as the makers of LangChain objects need."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.base_url = f"{url}/v1"


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
async def test_a_redirect_to_another_host_gets_neither_key_nor_prompt(vendor: Vendor) -> None:
    with BytesServer(REFUSAL) as stranger:
        away = f"http://localhost:{stranger.port}/v1/chat/completions"
        with BytesServer(redirect(away)) as service:
            plugin = Plugin(vendor.create(Address(service.url), **vendor.fixed))  # type: ignore[arg-type] - see Address
            model = wrap_llm(plugin, "m-1", 0.5, KEY, {})
            _, error = await fail(model, Request([user("a private question")]))
        assert len(service.requests) == 1
        assert stranger.requests == []
    assert isinstance(error, BadReply)
    assert "points to localhost" in error.message
    assert KEY not in error.message


async def test_a_redirect_within_the_service_is_followed() -> None:
    vendor = VENDORS[0]
    with BytesServer(redirect("/v2/chat/completions")) as service:
        plugin = Plugin(vendor.create(Address(service.url)))  # type: ignore[arg-type] - see Address
        await fail(wrap_llm(plugin, "m-1", 0.5, KEY, {}), HI)
        assert len(service.requests) > 1
