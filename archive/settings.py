"""Settings: made once by the command, passed down as what each part needs.

They come from the environment (``MUSEVAULT_*``), then from ``musevault.toml`` (or the file that
``MUSEVAULT_CONFIG`` names), then from the defaults below.
"""

import os
import re
import ssl
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FilePath,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from archive.errors import ArchiveError

__all__ = ["Settings", "load"]

Item = TypeVar("Item")


def _cut(value: object) -> object:
    """From the environment a list comes as one text."""
    return [part for part in value.split(":") if part] if isinstance(value, str) else value


def _check_cron(value: str) -> str:
    from croniter import croniter

    if len(value.split()) != 5 or not croniter.is_valid(value):
        raise ValueError("not five fields as cron has them")
    return value


def _check_address(value: str) -> str:
    if not re.fullmatch(r"(tcp|tls)://[^/:\s]+:\d+", value):
        raise ValueError("not an address like tcp://HOST:PORT")
    return value


def _check_certificates(file: Path) -> Path:
    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError as error:
        raise ValueError("no file of certificates in PEM") from error
    return file.absolute()


Listed = Annotated[tuple[Item, ...], NoDecode, BeforeValidator(_cut)]
Cron = Annotated[str, AfterValidator(_check_cron)]
Address = Annotated[str, AfterValidator(_check_address)]
Certificates = Annotated[FilePath, AfterValidator(_check_certificates)]


class Settings(BaseSettings):
    """What an operator may set."""

    model_config = SettingsConfigDict(env_prefix="MUSEVAULT_", env_ignore_empty=True, frozen=True, extra="forbid")

    root: Path = Field(Path("vault"), description="Folder of the archive: store, embedded database, logs.")
    database_url: str | None = Field(None, description="PostgreSQL >= 15 with pgSphere; none: the embedded one.")
    data: Path = Field(Path("data"), description="Folder of the data packages: filter curves and templates.")
    templates: Path | None = Field(
        None, description="Folder of stellar templates, files named as MILES names them; none: those of the packages."
    )
    base_url: str = Field("http://127.0.0.1:8000", description="Address under which clients reach the service.")
    authority: str = Field("musevault", description="IVOA authority in the identifiers of the products.")
    query_timeout: PositiveFloat = Field(60.0, description="Seconds that a synchronous query may take.")
    maxrec_default: PositiveInt = Field(1_000_000, description="Rows of an answer when the client names no MAXREC.")
    maxrec_limit: PositiveInt = Field(15_000_000, description="Rows that no answer exceeds.")
    sync_cost_limit: PositiveFloat = Field(
        2e7, description="Planner's cost above which a synchronous query without rows so far is refused."
    )
    async_duration_default: PositiveInt = Field(3600, description="Seconds that an asynchronous query may take.")
    async_duration_limit: PositiveInt = Field(21600, description="Seconds that a client may ask for.")
    async_retention_default: PositiveInt = Field(7, description="Days after which a job and its result are removed.")
    async_retention_limit: PositiveInt = Field(90, description="Days that a client may ask for.")
    async_fast_cost: PositiveFloat = Field(1e5, description="Planner's cost up to which a query counts as short.")
    async_fast_at_once: PositiveInt = Field(2, description="Short asynchronous queries done at once by one service.")
    async_slow_at_once: PositiveInt = Field(2, description="Other asynchronous queries done at once by one service.")
    async_active_limit: PositiveInt = Field(20, description="Jobs that a client may have queued or executing.")
    async_kept_limit: PositiveInt = Field(2000, description="Jobs that a client may have in all.")
    job_retention: PositiveInt = Field(90, description="Days after which a job of the archive's own is forgotten.")
    trusted_proxies: NonNegativeInt = Field(0, description="Proxies in front whose X-Forwarded-For is believed.")
    upload_rows: PositiveInt = Field(1_000_000, description="Rows of a table that comes with a query.")
    upload_bytes: PositiveInt = Field(256 << 20, description="Bytes of such a table, as sent and unpacked.")
    upload_seconds: PositiveFloat = Field(60.0, description="Seconds that fetching one from an address may take.")
    upload_hosts: Listed[str] = Field(
        (), description="Hosts that tables are fetched from though not public; several with colons between."
    )
    upload_ca: Certificates | None = Field(
        None, description="File of certificates (PEM) that are trusted beside the system's when tables are fetched."
    )
    user_tables: NonNegativeInt = Field(100, description="Tables that an account may keep.")
    user_rows: NonNegativeInt = Field(20_000_000, description="Rows of all tables of an account together.")
    user_bytes: NonNegativeInt = Field(10 << 30, description="Bytes that they may take in the database.")
    worker_timeout: PositiveFloat = Field(10.0, description="Seconds of silence after which a worker counts as dead.")
    worker_grace: NonNegativeFloat = Field(
        60.0,
        description="Seconds that a worker which is told to stop lets its jobs go on.",
    )
    worker_cores: NonNegativeInt = Field(0, description="Processors that a worker keeps busy; 0: all there are.")
    worker_memory: NonNegativeInt = Field(0, description="Bytes of memory that its jobs may take; 0: all there is.")
    dask_scheduler: Address | None = Field(
        None, description="Dask scheduler whose workers compute the tiles of long jobs; none: processes of the worker."
    )
    checkpoint_retention: PositiveInt = Field(
        14, description="Days for which the finished parts of a job that did not end are kept."
    )

    eso_tap_url: str = Field("https://archive.eso.org/tap_obs", description="Where ESO's archive is asked.")
    eso_download_url: str = Field("https://dataportal.eso.org/dataPortal/file/", description="Where its files are.")
    eso_calselector_url: str = Field(
        "https://archive.eso.org/calselector/v1/associations", description="Where it tells calibrations."
    )
    eso_token: SecretStr | None = Field(None, description="ESO's token for files that are not public yet.")

    watch_cron: Cron | None = Field(None, description="When the workers look through the folders, as cron writes it.")
    watch_folders: Listed[Path] = Field((), description="Folders that are watched; several with colons between.")
    watch_link: bool = Field(default=False, description="Leave watched raw frames where they are, keep links to them.")
    watch_settle: NonNegativeFloat = Field(60.0, description="Seconds for which a file that is not whole may be young.")
    sync_cron: Cron | None = Field(None, description="When the workers ask ESO's archive, as cron writes it.")
    sync_programmes: Listed[str] = Field((), description="Programmes it is asked for; several with colons between.")
    sync_download: bool = Field(default=False, description="Fetch the files that are not here, too.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file; nothing else."""
        del dotenv_settings, file_secret_settings
        file = Path(os.environ.get("MUSEVAULT_CONFIG", "musevault.toml"))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)


def load() -> Settings:
    """Read the settings.

    Raises
    ------
    ArchiveError
        A setting is unknown or has a value that it cannot have; the file that is named is not there.
    """
    named = os.environ.get("MUSEVAULT_CONFIG")
    if named and not Path(named).is_file():
        raise ArchiveError(f"MUSEVAULT_CONFIG names {named}, which is no file")
    try:
        settings = Settings.model_validate({})
    except ValidationError as error:
        file = named or "musevault.toml"
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or file}: {e['msg']}" for e in error.errors())
        raise ArchiveError(f"settings: {wrong}") from error
    tidy: dict[str, object] = {name: getattr(settings, name).expanduser().absolute() for name in ("root", "data")}
    if "base_url" in settings.model_fields_set:  # what was not set must go on to look unset
        tidy["base_url"] = settings.base_url.rstrip("/")
    return settings.model_copy(update=tidy)
