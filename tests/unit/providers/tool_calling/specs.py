"""The tools as the full and the compact prompt have them."""

from pathlib import Path

from ally.messages import ToolSpec
from ally.sandbox.none import Unconfined
from ally.tools.catalogue import TOOL_NAMES, Bench, build_tools
from ally.tools.compact import compact
from ally.tools.workspace import Workspace

_NOWHERE = Path("/nowhere")
_TOOLS = build_tools(
    TOOL_NAMES, Bench(Workspace(_NOWHERE, _NOWHERE, _NOWHERE), lambda: Unconfined("test"), lambda path: "", tuple, bool)
)
FULL: tuple[ToolSpec, ...] = tuple(tool.spec for tool in _TOOLS)
COMPACT: tuple[ToolSpec, ...] = tuple(tool.spec for tool in compact(_TOOLS))
