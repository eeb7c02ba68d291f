"""Switches that keep dependencies from reporting home."""

from collections.abc import MutableMapping

SWITCHES = {
    "ANONYMIZED_TELEMETRY": "False",
    "DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "LANGCHAIN_CALLBACKS_BACKGROUND": "false",
    "LANGCHAIN_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_OTEL_ENABLED": "false",
    "LANGSMITH_TRACING": "false",
    "LANGSMITH_TRACING_V2": "false",
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime, which makes a number for the machine when it is imported
    "OTEL_SDK_DISABLED": "true",
}
REMOVED = (
    "LANGCHAIN_API_KEY",
    "LANGCHAIN_ENDPOINT",
    "LANGSMITH_API_KEY",
    "LANGSMITH_ENDPOINT",
    "LANGSMITH_RUNS_ENDPOINTS",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
)


def silence(env: MutableMapping[str, str]) -> None:
    """Force telemetry and tracing off in `env`, whatever was set; call it before any dependency is imported."""
    env.update(SWITCHES)
    for name in REMOVED:
        env.pop(name, None)
