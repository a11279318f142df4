"""The table, ERRATA.md and TRACE.md, generated from the claims."""
