"""Jobs say what they need and tell their story; queues are named for what they carry."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
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
        sa.Column(
            "after",
            postgresql.ARRAY(sa.Text()),
            nullable=True,
            comment="Jobs that must complete before it is queued.",
        ),
        sa.Column("queued", postgresql.TIMESTAMP(), nullable=True, comment="When it was put into the queue, UTC."),
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
    op.create_index(
        "ix_job_after",
        "job",
        ["after"],
        unique=False,
        schema="jobs",
        postgresql_using="gin",
        postgresql_where=sa.text("after IS NOT NULL"),
    )
    op.alter_column("job", "queue", server_default="processing", schema="jobs")
    op.alter_column("job", "attempts", comment="How often a worker began it and did not give it back.", schema="jobs")
    op.execute("UPDATE jobs.job SET queued = created WHERE phase <> 'PENDING'")
    _rename_queues()
    _make_indexes()
    _make_worker()
    _make_tally()


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


def _make_indexes() -> None:
    op.drop_index(op.f("ix_job_phase"), table_name="job", schema="jobs")
    for name in ("created", "ended", "queue_id"):
        op.create_index(op.f(f"ix_job_{name}"), "job", [name], unique=False, schema="jobs")
    op.create_index("ix_job_phase_ended", "job", ["phase", "ended"], unique=False, schema="jobs")
    op.create_index("ix_job_task_ended", "job", ["task", "ended"], unique=False, schema="jobs")
    op.create_index(
        "ix_job_active",
        "job",
        ["queue", "phase", "queued"],
        unique=False,
        schema="jobs",
        postgresql_where=sa.text("phase IN ('PENDING', 'QUEUED', 'EXECUTING')"),
    )
    op.create_index(op.f("ix_activity_job_id"), "activity", ["job_id"], unique=False, schema="provenance")


def _make_worker() -> None:
    op.create_table(
        "worker",
        sa.Column(
            "worker_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Number that the queue gave it."
        ),
        sa.Column("host", sa.Text(), nullable=False, comment="Host that it runs on."),
        sa.Column("pid", sa.Integer(), nullable=False, comment="Its process there."),
        sa.Column(
            "cores",
            sa.Integer(),
            nullable=False,
            comment="Processors that it keeps busy: so many jobs of one core at once.",
        ),
        sa.Column(
            "memory", sa.BigInteger(), nullable=True, comment="Bytes of memory for its jobs; empty: not counted."
        ),
        sa.Column(
            "queues",
            postgresql.ARRAY(sa.Text()),
            nullable=True,
            comment="Queues that it takes jobs from; empty: all.",
        ),
        sa.Column("started", postgresql.TIMESTAMP(), nullable=False, comment="When it began to take jobs, UTC."),
        sa.PrimaryKeyConstraint("worker_id", name=op.f("pk_worker")),
        schema="jobs",
        comment="Workers that take jobs from the queues.",
    )


def _make_tally() -> None:
    """Jobs that ended before are counted in."""
    op.create_table(
        "tally",
        sa.Column("tally_id", sa.BigInteger(), nullable=False, comment="Running number."),
        sa.Column("queue", sa.Text(), nullable=False, comment="Queue that they were taken from."),
        sa.Column("task", sa.Text(), nullable=False, comment="Task."),
        sa.Column("phase", sa.Text(), nullable=False, comment="Last phase."),
        sa.Column("jobs", sa.BigInteger(), nullable=False, comment="How many."),
        sa.Column(
            "seconds",
            sa.Double(),
            nullable=False,
            comment="Seconds that they took in all, each from its last beginning.",
        ),
        sa.PrimaryKeyConstraint("tally_id", name=op.f("pk_tally")),
        schema="jobs",
        comment="Jobs that ended, counted.",
    )
    op.execute("""
        INSERT INTO jobs.tally (queue, task, phase, jobs, seconds)
        SELECT queue, task, phase, count(*), coalesce(sum(extract(epoch FROM ended - started)), 0)
        FROM jobs.job WHERE phase IN ('COMPLETED', 'ERROR', 'ABORTED') GROUP BY queue, task, phase
    """)
