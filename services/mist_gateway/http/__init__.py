"""The HTTP and WebSocket interface. FastAPI is used nowhere else."""
