"""The HTTP and WebSocket interface; the only FastAPI."""
