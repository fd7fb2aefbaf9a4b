"""Jobs as the documents of UWS 1.1."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from pydantic_xml import BaseXmlModel, attr, element
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

from schema.jobs import ACTIVE, Phase
from schema.uws import UwsJob
from server.encoders.votable import printable

__all__ = ["GivenParameters", "job_document", "job_list", "parameters_document", "results_document", "written"]


OWN: Final = {"mv": "urn:musevault:uws"}


class GivenParameters(BaseXmlModel, tag="parameters", ns="uws", nsmap=NSMAP):
    """Whatever parameters a job was given; vo-models' own class must know their names."""

    parameter: list[Parameter] = element(tag="parameter", default_factory=list)


class Progress(BaseXmlModel, tag="progress", ns="mv", nsmap=OWN):
    """How far a job is, 0 to 1, and in words: UWS has no element for it, but a place for what services want to say."""

    fraction: float = attr()
    words: str


class Information(BaseXmlModel, tag="jobInfo", ns="uws", nsmap=NSMAP):
    """What UWS leaves to the service."""

    progress: Progress


class UwsDocument(JobSummary[GivenParameters], tag="job", ns="uws", nsmap=NSMAP):
    """The document of one job."""

    job_info: list[Information] = element(tag="jobInfo", ns="uws", default_factory=list)  # type: ignore[assignment]  # vo-models has texts, which the standard has not


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
        job_info=_information(job),
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


def _information(job: UwsJob) -> list[Information]:
    """Say how far a job is that has not ended, where it tells."""
    known = job.job
    if known.phase not in ACTIVE or known.progress_text is None:
        return []
    return [Information(progress=Progress(fraction=known.progress, words=known.progress_text))]


def _moment(moment: datetime | None) -> UTCTimestamp | None:
    return None if moment is None else UTCTimestamp.fromtimestamp(moment.replace(tzinfo=UTC).timestamp(), UTC)
