"""`MyLLM`: a completion LLM that knows only blocking HTTP, as many integrations do."""

import json
import os
import urllib.request
from collections.abc import Iterator
from typing import Any

from langchain_core.language_models.llms import LLM
from langchain_core.outputs import GenerationChunk


class MyLLM(LLM):
    """Sends a prompt to the service at `MYLLM_URL`."""

    model: str
    temperature: float
    api_key: str
    max_tokens: int | None = None

    @property
    def _llm_type(self) -> str:
        return "myllm"

    def _call(self, prompt: str, stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any) -> str:
        with self._post(prompt, stream=False) as response:
            return json.load(response)["choices"][0]["message"]["content"]

    def _stream(
        self, prompt: str, stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[GenerationChunk]:
        with self._post(prompt, stream=True) as response:
            for line in response:
                data = line.decode().removeprefix("data: ").strip()
                if data and data != "[DONE]" and (choices := json.loads(data)["choices"]):
                    yield GenerationChunk(text=choices[0]["delta"].get("content") or "")

    def _post(self, prompt: str, *, stream: bool) -> Any:
        body: dict[str, Any] = {"model": self.model, "temperature": self.temperature, "stream": stream}
        body["messages"] = [{"role": "user", "content": prompt}]
        if self.max_tokens is not None:
            body["max_tokens"] = self.max_tokens
        headers = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        url = os.environ["MYLLM_URL"] + "/chat/completions"
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        return urllib.request.urlopen(request)
