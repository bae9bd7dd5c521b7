"""Access to the API: tokens, scopes, rates."""
