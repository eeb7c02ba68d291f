"""Google's SDK sends through httpx, where redirects are checked, also where aiohttp is installed."""

import pytest

from ally.providers.builtin.google import GoogleProvider
from ally.providers.langchain.connections import stay_at_the_service


def test_aiohttp_is_not_used_where_it_is_installed():
    pytest.importorskip("aiohttp")
    llm = GoogleProvider().create_llm("gemini-2.5-flash", 0.0, "key")
    assert llm.client._api_client._use_aiohttp()  # else there would be nothing to keep it from
    stay_at_the_service(llm)
    assert not llm.client._api_client._use_aiohttp()
