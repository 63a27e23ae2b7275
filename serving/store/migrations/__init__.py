"""The steps between versions of the store; Alembic runs them."""
