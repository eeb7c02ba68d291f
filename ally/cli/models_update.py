"""`ally models update`: the newest list of what hosted models can hold, do and cost."""

import argparse
import json

from ally.app import App
from ally.cli import exits
from ally.cli.terminal import say
from ally.models.hosted import SHIPPED, decode, fetched_file
from ally.models.hosted_reduce import URL


def run(args: argparse.Namespace, app: App) -> int:
    """Fetch the list; `args.source` may name another address, or a file."""
    from ally.models.hosted_update import update  # heavy

    source: str = getattr(args, "source", None) or URL
    if source.startswith(("http://", "https://")) and not app.offline:
        say(f"Asking {source}. Nothing is sent but the request for this list.")
    found = update(app.paths, source)
    models = sum(map(len, found.providers.values()))
    if getattr(args, "json", False):
        row = {"as_of": found.as_of, "models": models, "services": len(found.providers), "source": source}
        print(json.dumps(row, indent=2))
        return exits.OK
    shipped = decode(SHIPPED.read_bytes()).as_of
    say(f"{models} models of {len(found.providers)} services, as of {found.as_of}; Ally came with a list of {shipped}.")
    is_newer = found.as_of >= shipped
    say(f"{fetched_file(app.paths)} is used from now on." if is_newer else "Ally's own is newer and stays in use.")
    return exits.OK
