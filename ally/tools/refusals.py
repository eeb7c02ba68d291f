"""Telling a model that its sandbox, and not the world, said no: a command may hide that, as `|| true` does."""

import re

from ally.sandbox import Confinement, Tier

_NO_NETWORK = re.compile(
    r"(?i)network is unreachable|could not resolve|temporary failure in name resolution|name or service not known"
    r"|failed to establish a new connection|getaddrinfo|EAI_AGAIN|ENETUNREACH|no address associated with hostname"
    r"|failed to connect|connection refused|couldn't connect"
    r"|nodename nor servname|unable to resolve|dns error|socket: operation not permitted|/dev/tcp/.*: "
)
_READ_ONLY = re.compile(r"(?i)read-only file system|EROFS")
_DENIED = re.compile(r"(?i)permission denied|operation not permitted|EACCES|EPERM")


def explain(command: str, output: str, confinement: Confinement, tier: Tier) -> str:
    """One line for each thing that the sandbox plausibly refused, and how to ask for it; "" if nothing."""
    if tier == "C":
        return ""
    notes: list[str] = []
    if not confinement.network and _NO_NETWORK.search(output):
        notes.append("[sandbox: no network, not even to this machine's services; ask with network true]")
    if _READ_ONLY.search(output) or (tier == "B" and _DENIED.search(output)):
        if confinement.is_read_only:
            where = 'this ran read-only; to write, ask with writable ["."]'
        else:
            where = "only the working folder can be written, without .git and files that run by themselves; "
            where += "ask with writable [path]"
        notes.append(f"[sandbox: {where}]")
    hidden = [path.name for path in confinement.masks if path.name and _names(command, path.name)]
    if hidden and not set(confinement.masks) & set(confinement.readable):
        notes.append(f"[sandbox: commands cannot see what is in {', '.join(hidden[:3])}; the tool read can ask]")
    return "\n".join(notes)


def _names(command: str, name: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", command) is not None
