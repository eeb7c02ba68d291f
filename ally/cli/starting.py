"""What the command line wishes for a chat."""

import argparse

from ally.app import Consent
from ally.chat.start import Start


def start_of(args: argparse.Namespace) -> Start:
    """The wishes of `args`, with nobody who could be asked."""
    return Start(
        agent=args.agent,
        provider=args.provider,
        model=args.model,
        temperature=args.temperature,
        go_on=args.go_on,
        id=args.id,
        fork=args.fork,
        max_turns=args.max_turns,
        max_seconds=args.max_seconds,
        is_grounded=args.rag,
        consent=Consent(args.permission_mode, tuple(args.allow), tuple(args.deny)),
    )
