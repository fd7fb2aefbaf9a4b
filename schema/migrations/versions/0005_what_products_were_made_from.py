"""Activities of this archive say of which version their task was, and from which content of each input they worked."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "activity",
        sa.Column(
            "task_version",
            sa.Integer(),
            nullable=True,
            comment="Version of the task, where it is one of this archive: "
            "what it made is out of date when that is raised.",
        ),
        schema="provenance",
    )
    op.add_column(
        "used",
        sa.Column(
            "sha256",
            sa.Text(),
            nullable=True,
            comment="SHA-256 of the file that was read, where this archive read it.",
        ),
        schema="provenance",
    )
    # What was made here before that was recorded counts as made by version 0: it is out of date.
    op.execute("UPDATE provenance.activity SET task_version = 0 WHERE job_id IS NOT NULL")
