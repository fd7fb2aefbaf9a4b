"""Jobs as the documents of UWS 1.1."""

from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic_xml import BaseXmlModel, element
from vo_models.uws.models import (
    NSMAP,
    ErrorSummary,
    Jobs,
    JobSummary,
    Parameter,
    ResultReference,
    Results,
    ShortJobDescription,
)
from vo_models.uws.types import ErrorType, ExecutionPhase
from vo_models.voresource.types import UTCTimestamp

from schema.jobs import Phase
from schema.uws import UwsJob
from server.encoders.votable import printable

__all__ = ["GivenParameters", "job_document", "job_list", "parameters_document", "results_document", "written"]


class GivenParameters(BaseXmlModel, tag="parameters", ns="uws", nsmap=NSMAP):
    """Whatever parameters a job was given; vo-models' own class must know their names."""

    parameter: list[Parameter] = element(tag="parameter", default_factory=list)


class UwsDocument(JobSummary[GivenParameters], tag="job", ns="uws", nsmap=NSMAP):
    """The document of one job."""


def job_list(jobs: Iterable[UwsJob], base: str) -> Jobs:
    """Return the list of jobs whose documents are below an address."""
    return Jobs(
        jobref=[
            ShortJobDescription(
                job_id=job.job_id,
                href=f"{base}/{job.job_id}",
                phase=ExecutionPhase(job.job.phase),
                run_id=job.run_id,
                owner_id=job.owner,
                creation_time=_moment(job.job.created),
            )
            for job in jobs
        ]
    )


def job_document(job: UwsJob, url: str) -> UwsDocument:
    """Return the document of the job whose address is ``url``."""
    return UwsDocument(
        job_id=job.job_id,
        run_id=job.run_id,
        owner_id=job.owner,
        phase=ExecutionPhase(job.job.phase),
        quote=_moment(job.quote),
        creation_time=_moment(job.job.created),
        start_time=_moment(job.job.started),
        end_time=_moment(job.job.ended),
        execution_duration=job.execution_duration,
        destruction=_moment(job.destruction),
        parameters=parameters_document(job),
        results=results_document(job, url),
        error_summary=_error(job),
    )


def parameters_document(job: UwsJob) -> GivenParameters:
    """Return what the job was given."""
    return GivenParameters(
        parameter=[Parameter(id=name, value=value) for name, values in job.parameters.items() for value in values]
    )


def results_document(job: UwsJob, url: str) -> Results:
    """Return what the job made: one result, when it is COMPLETED."""
    if job.job.phase != Phase.COMPLETED or job.result_file is None:
        return Results(results=[])
    result = ResultReference(id="result", href=f"{url}/results/result", size=job.result_size, mime_type=job.result_type)
    return Results(results=[result])


def written(moment: datetime | None) -> str:
    """Return a time as UWS writes it."""
    return "" if moment is None else f"{moment.isoformat(timespec='milliseconds')}Z"


def _error(job: UwsJob) -> ErrorSummary | None:
    if job.job.error is None or job.job.phase not in {Phase.ERROR, Phase.ABORTED}:
        return None
    return ErrorSummary(message=printable(job.job.error), type=ErrorType.FATAL, has_detail=True)


def _moment(moment: datetime | None) -> UTCTimestamp | None:
    return None if moment is None else UTCTimestamp.fromtimestamp(moment.replace(tzinfo=UTC).timestamp(), UTC)
