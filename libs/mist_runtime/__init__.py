"""The frame of every Mist process: settings, logs, traces, start and stop, health and metrics, Java."""
