"""The catalog on SQL databases: one schema, one set of tables, one folder per promise kept."""
