"""The command `mist`: `mist.client` on the command line, for people and for scripts."""
