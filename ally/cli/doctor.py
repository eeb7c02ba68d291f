"""`ally doctor`: what works here, and what to do about the rest."""

import argparse
import json
from collections.abc import Iterator

from ally.app import App
from ally.cli import exits
from ally.cli.doctor_files import config_findings, env_findings, plugin_findings
from ally.cli.doctor_knowledge import knowledge_findings
from ally.cli.doctor_machine import machine_findings
from ally.cli.doctor_models import agent_findings, engine_findings, key_findings, ollama_findings
from ally.cli.doctor_sandbox import sandbox_findings
from ally.cli.doctor_servers import discovered, server_findings, window_findings
from ally.cli.finding import Finding, lines
from ally.config.settings import Settings
from ally.errors import ConfigError


def run(args: argparse.Namespace, app: App) -> int:
    """Print what was found; 0 when Ally can answer something here."""
    if args.bench:
        from ally.cli import bench  # heavy

        return bench.run(app, as_json=args.json)
    findings = list(_findings(app))
    can_answer = any(found.answers for found in findings) and not any(
        found.topic == "configuration" and found.status == "broken" for found in findings
    )
    if args.json:
        rows = [
            {"topic": found.topic, "status": found.status, "text": found.text, "next_step": found.step or None}
            for found in findings
        ]
        print(json.dumps({"can_answer": can_answer, "findings": rows}, indent=2))
    else:
        print("\n".join(lines(findings)))
        print("\n" + ("Ally can answer here." if can_answer else "Ally cannot answer yet: see the steps above."))
    return exits.OK if can_answer else exits.FAILED


def _findings(app: App) -> Iterator[Finding]:
    yield from machine_findings(app.paths, app.checkout)
    yield from sandbox_findings(app.env)
    yield from env_findings(app.paths, app.checkout)
    settings = _settings(app)
    if isinstance(settings, Finding):
        yield settings
    yield from config_findings(app.paths, app.checkout)
    ollama = {} if isinstance(settings, Finding) else settings.provider_options.get("ollama", {})
    yield from ollama_findings(app.env, ollama, is_offline=app.offline)
    yield from engine_findings(app.paths, is_offline=app.offline)
    if isinstance(settings, Finding):
        return
    servers = discovered(app)
    yield from server_findings(servers)
    entries = app.registry.entries()
    yield from plugin_findings(entries)
    yield from key_findings(entries, app.keys)
    yield from agent_findings(settings, entries, app.keys, is_offline=app.offline)
    yield from window_findings(app, entries, servers)
    yield from knowledge_findings(app)


def _settings(app: App) -> Settings | Finding:
    try:
        return app.settings
    except ConfigError as error:
        return Finding("configuration", "broken", error.message, error.hint)
