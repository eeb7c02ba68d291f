"""How well each tool suits a request."""

import json
from collections.abc import Mapping, Sequence

from ally.messages import ToolSpec
from ally.providers.tool_calling.tiny.recipes import Found, find_values
from ally.providers.tool_calling.tiny.restrict import count_open, usable_values
from ally.providers.tool_calling.tiny.router import ANSWER, Router
from ally.providers.tool_calling.tiny.said import Said

OPEN_COSTS = 0.2
"""What an argument that was not spoken of takes from the likeness of a tool."""
UNUSED_COSTS = 0.2
"""What a file, folder, pattern or quotation takes from it that the tool would leave out."""
FEW_WORDS, TALK_COSTS = 12, 0.2
"""What a longer request that names nothing to work on takes from the likeness of every tool."""
_OBJECTS = frozenset({"path", "extension", "glob", "command"})
_QUOTED = frozenset({"quoted", "code"})


def rate(router: Router, tools: Sequence[ToolSpec], said: Said, found: Mapping[str, Found]) -> dict[str, float]:
    """How well each tool, and the answer, suits the request; the best first."""
    likeness = router.scores(said)
    objects = [part.text for part in said.parts if part.kind in _OBJECTS or part.is_folder]
    rated = {ANSWER: likeness.get(ANSWER, 0.0) - UNUSED_COSTS * min(len(objects), 2)}
    objects += [part.text for part in said.parts if part.kind in _QUOTED and not part.is_folder]
    spoken_words = said.words()
    talks = 0.0 if objects or len(said.parts) <= FEW_WORDS or said.has("file") or said.has("folder") else TALK_COSTS
    for tool in tools:
        if tool.name == "delete" and not said.has("removing"):  # nothing is deleted that nobody said to delete
            continue
        if tool.name not in router.labels:
            likeness[tool.name] = router.describe(tool.name, tool.description, spoken_words)
        spoken = json.dumps(usable_values(tool, found[tool.name]), ensure_ascii=False)
        unused = sum(json.dumps(one, ensure_ascii=False)[1:-1] not in spoken for one in objects)
        costs = UNUSED_COSTS * min(unused, 3) + talks
        if tool.name in router.labels:
            costs += OPEN_COSTS * max(0, count_open(tool, found[tool.name]) - said.has("invented"))
        rated[tool.name] = likeness.get(tool.name, 0.0) - costs
    return dict(sorted(rated.items(), key=lambda item: -item[1]))


def values_of(tools: Sequence[ToolSpec], said: Said) -> dict[str, Found]:
    """What the request says about the arguments of each tool."""
    return {tool.name: find_values(tool, said) for tool in tools}
