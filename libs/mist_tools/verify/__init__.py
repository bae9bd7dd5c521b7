"""Proves from the log alone that Mist kept its promises: `python -m mist_tools.verify`."""
