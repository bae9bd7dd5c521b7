"""Job code: Python files and archives, jars, SQL."""
