"""Where commands run: as confined as this machine can.

| tier | how | what it cannot do |
|---|---|---|
| A | bubblewrap and a system call filter | nothing of what `probes` tries |
| B | Landlock and a system call filter | hide files, protect `.git`, hide other processes |
| C | nothing | anything: every command has the user's full rights |

None of them limits memory, processor time or the number of processes: a command's time limit ends it, and with it all
that it started.
"""

from ally.sandbox.base import Confinement, Launch, Sandbox, Tier
from ally.sandbox.choose import choose, tidy

__all__ = ["Confinement", "Launch", "Sandbox", "Tier", "choose", "tidy"]
