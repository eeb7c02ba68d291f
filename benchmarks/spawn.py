"""Runs one command and writes what it cost; started as `python -I -S spawn.py REPORT COMMAND...`.

It is a program of its own because Linux counts the memory of the process that starts a command as the command's: this
one is as small as a Python process can be. Times are of the clock that all processes share.
"""

import os
import sys
import time

begun = time.monotonic()
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
ended = time.monotonic()
# Linux counts memory in KiB, macOS in bytes
peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
with open(sys.argv[1], "w", encoding="ascii") as report:  # noqa: PTH123 - pathlib would double the memory
    cpu_s = usage.ru_utime + usage.ru_stime
    report.write(f"{begun} {ended} {cpu_s} {peak_bytes} {os.waitstatus_to_exitcode(status)}")
