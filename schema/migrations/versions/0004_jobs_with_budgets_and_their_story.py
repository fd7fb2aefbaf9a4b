"""Jobs say what they need and tell their story; queues are named for what they carry."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None

QUEUES = {"default": "processing", "fast": "query-fast", "slow": "query-slow"}


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("event_id", sa.BigInteger(), nullable=False, comment="Running number."),
        sa.Column("job_id", sa.Text(), nullable=False, comment="Job."),
        sa.Column("at", postgresql.TIMESTAMP(), nullable=False, comment="When, UTC."),
        sa.Column("what", sa.Text(), nullable=False, comment="What happened, in one word."),
        sa.Column("worker", sa.Text(), nullable=True, comment="Who says so: host and process."),
        sa.Column("words", sa.Text(), nullable=True, comment="More of it, for people."),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job.job_id"], name=op.f("fk_event_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_event")),
        schema="jobs",
        comment="What happened to the jobs.",
    )
    op.create_index(op.f("ix_event_job_id"), "event", ["job_id"], unique=False, schema="jobs")
    for column in (
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False, comment="The higher is taken first."),
        sa.Column("cores", sa.Integer(), server_default="1", nullable=False, comment="Processors that it keeps busy."),
        sa.Column(
            "memory",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="Bytes of memory that it may take, 0: any.",
        ),
        sa.Column("timeout", sa.Double(), nullable=True, comment="Seconds after which it is ended; empty: never."),
        sa.Column("worker", sa.Text(), nullable=True, comment="Who began it last: host and process."),
        sa.Column(
            "faults",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="How often it failed for reasons that may pass.",
        ),
    ):
        op.add_column("job", column, schema="jobs")
    op.alter_column("job", "queue", server_default="processing", schema="jobs")
    op.alter_column("job", "attempts", comment="How often a worker began it and did not give it back.", schema="jobs")
    _rename_queues()


def _rename_queues() -> None:
    """Entries of the queue are moved with the jobs, where there is a queue already."""
    for old, new in QUEUES.items():
        op.execute(f"UPDATE jobs.job SET queue = '{new}' WHERE queue = '{old}'")
        op.execute(f"""
            DO $$ BEGIN
              IF to_regclass('queue.procrastinate_jobs') IS NOT NULL THEN
                UPDATE queue.procrastinate_jobs SET queue_name = '{new}' WHERE queue_name = '{old}';
              END IF;
            END $$
        """)
