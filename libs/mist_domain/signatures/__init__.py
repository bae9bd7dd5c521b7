"""Signatures of job code: argument types, how they are read, and checks of arguments against them."""
