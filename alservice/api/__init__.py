"""The language of the service in Python: generated from `proto/`, committed, never edited."""
