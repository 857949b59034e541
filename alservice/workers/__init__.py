"""Run: what happens outside a request, and in other processes."""
