"""The child process that imports one plug-in and reports what it defines, so that a broken one cannot take Ally down.

What kind of plug-in it is says `kind` of the job: a module of Ally with `look(job)`, which gives a report as JSON, and
`CONNECTS_IN`, the function in which a plug-in of the kind may use the network.

Run as a script: one JSON object on standard input, one on standard output, where nobody else can write: what the
plug-in prints, also from C code, goes to standard error. A watchdog that does not need the interpreter's lock ends the
process when the time is over. Then, and after a crash, the output is where the plug-in was. Nothing beyond this machine
can be contacted: a listing asks nobody.
"""

import faulthandler
import importlib
import json
import os
import sys
from typing import Any, cast

JsonObject = dict[str, Any]  # Any: JSON values have no better type


def main() -> None:
    """Read the job, report, and leave without waiting for what the plug-in may have started."""
    report_fd = os.dup(1)
    os.dup2(2, 1)
    job = cast(JsonObject, json.loads(sys.stdin.buffer.readline()))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.path[:] = job["sys_path"]
    faulthandler.enable(report_fd)
    from ally.egress import offline  # late: sys.path is set only now

    offline.enable()
    faulthandler.dump_traceback_later(job["timeout_s"], exit=True, file=report_fd)
    from ally.quarantine.findings import problem  # late: as above

    kind = importlib.import_module(job["kind"])
    try:
        found = kind.look(job)
    except BaseException as exc:  # noqa: BLE001  # boundary: a stranger's plug-in runs here
        found = {"found": [], "problems": [problem("", job["file"], exc, kind.CONNECTS_IN)]}
    faulthandler.cancel_dump_traceback_later()
    with os.fdopen(report_fd, "w", encoding="ascii") as report:
        json.dump(found, report)
    os._exit(0)


if __name__ == "__main__":
    main()
