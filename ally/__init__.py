"""The private AI assistant for the terminal that works with any model."""

__all__ = ["__version__"]
__version__ = "0.1.0"
