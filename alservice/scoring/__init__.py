"""Adapters that walk the pool: one file per engine, none of which knows another."""
