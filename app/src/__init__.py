"""See `app.src.providers`."""
