"""Run a fake as a process: prints its base URL on one line, then serves until it is stopped."""

import argparse
import json
import signal
import threading
from pathlib import Path

from tests.fakes import FAKES, KEY, OWN_SERVERS, Reply


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes")
    fakes = {**FAKES, **OWN_SERVERS}
    parser.add_argument("fake", choices=sorted(fakes))
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--key", default=KEY, help=f"the key it accepts ({KEY}); empty accepts any request")
    parser.add_argument("--model", action="append", help="a model it has; may be repeated")
    parser.add_argument("--text", help="always answer this")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds between two deltas of --text")
    parser.add_argument("--log", type=Path, help="append every request as a line of JSON to this file")
    args = parser.parse_args()
    takes_any = args.fake == "ollama" or args.fake in OWN_SERVERS
    key = None if takes_any and args.key == KEY else args.key or None
    fake = fakes[args.fake](key=key, models=args.model, port=args.port)
    if args.text is not None:
        fake.always(Reply(args.text, delay_s=args.delay))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    print(fake.base_url, flush=True)
    logged = 0
    while not stop.wait(0.1 if args.log else 3600):
        for request in fake.requests[logged:]:
            entry = {"method": request.method, "path": request.path, "body": request.body.decode("utf-8", "replace")}
            with args.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
            logged += 1
    fake.close()


if __name__ == "__main__":
    main()
