"""What every Mist process needs: settings, logs, running and stopping, health and metrics, Java."""
