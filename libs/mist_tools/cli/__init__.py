"""The command `mist`: what `mist.client` can do, for people and for scripts."""
