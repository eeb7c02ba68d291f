"""The built-in provider Google Gemini; the code is in `ally/providers/builtin/google.py`."""

from ally.providers.builtin.google import GoogleProvider

__all__ = ["GoogleProvider"]
