"""Template: an embedder that asks a server of your own.

Copy it to NAME.py, change `name`, and put these lines into config.json:

    "embedding_provider": "template",
    "provider_options": {"template": {"url": "http://127.0.0.1:9000/vectors"}}

then try it:

    ally kb add ~/notes notes
    ally kb search "what did I write about tea?"
"""

from typing import Any

import httpx2

from app.src.embeddings import BaseEmbedder


class TemplateEmbedder(BaseEmbedder):
    """Vectors of Template."""

    # ---- what every embedder has to say --------------------------------------------------------------------------

    name = "template"

    def embed(self, texts: list[str], kind: str) -> Any:
        """One vector for each text: lists of numbers, or an array. Ally makes them of length 1.

        `kind` is "passage" for texts that are searched and "query" for those that search: some models want to know.
        What you raise is shown to the user with the line it came from.
        """
        url = self.options.get("url", "http://127.0.0.1:9000/vectors")
        body = {"model": self.model, "texts": texts, "kind": kind}
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        return httpx2.post(url, json=body, headers=headers, timeout=60).raise_for_status().json()["vectors"]

    # ---- what it may say; each of these can be deleted -----------------------------------------------------------

    default_model = "standard"  # when "embedding_model" is not set
    required_env_vars = ()  # e.g. ("TEMPLATE_API_KEY",): the first one holds the key and arrives as self.api_key
    max_tokens = 512  # how long a text may be; passages are cut to fit
    batch = 32  # how many texts `embed` gets at most
    version = "1"  # change it when the vectors change: collections are embedded anew then
    base_url = "http://127.0.0.1:9000"  # where texts go, so that Ally can tell whether they stay on this machine
