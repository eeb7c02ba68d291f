"""The fast road: wire formats spoken directly over one streaming HTTP client."""
