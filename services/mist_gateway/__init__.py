"""The door: REST, WebSockets and documentation over projections of the log. Appends requests, decides nothing."""
