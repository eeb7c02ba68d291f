from ally.egress.quiet import silence


def test_tracing_that_was_switched_on_is_off_afterwards() -> None:
    env = {"LANGSMITH_TRACING": "true", "LANGCHAIN_TRACING_V2": "true", "LANGSMITH_API_KEY": "k", "PATH": "/bin"}
    silence(env)
    assert env["LANGSMITH_TRACING"] == env["LANGCHAIN_TRACING_V2"] == "false"
    assert env["DO_NOT_TRACK"] == env["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert "LANGSMITH_API_KEY" not in env
    assert env["PATH"] == "/bin"
