"""Alembic's entry: runs the migrations on the connection that ``archive.database`` hands over."""

from alembic import context
from sqlalchemy import Connection

from schema.comparison import comparison_options

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table_schema="archive", **comparison_options())
with context.begin_transaction():
    context.run_migrations()
