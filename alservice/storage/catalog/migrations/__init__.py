"""Steps from each schema to the next, run by Alembic when a catalog is opened."""
