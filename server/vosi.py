"""What a service says of itself (IVOA VOSI 1.1): capabilities, availability, tables."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal
from xml.etree import ElementTree as ET

from flask import Response, request
from pydantic import AnyUrl
from pydantic_xml import BaseXmlModel
from sqlalchemy import exc, text
from vo_models.tapregext.models import (
    DataLimit,
    DataLimits,
    DataModelType,
    Language,
    LanguageFeature,
    LanguageFeatureList,
    OutputFormat,
    TableAccess,
    TimeLimits,
    UploadMethod,
    Version,
)
from vo_models.vodataservice.models import ParamHTTP
from vo_models.voresource.models import AccessURL, Capability, Interface, SecurityMethod, WebBrowser
from vo_models.voresource.types import UTCTimestamp
from vo_models.vosi.availability.models import Availability
from vo_models.vosi.capabilities.models import VOSICapabilities

from archive.database import Database
from archive.settings import Settings
from schema.adql_words import as_written
from schema.published import SCHEMAS, PublishedColumn, PublishedTable
from server import auth, dali
from server.adql.semantics.declared import DECLARED
from server.encoders import FORMATS, Format

__all__ = ["availability", "document", "scs_capabilities", "sia_capabilities", "table", "tables", "tap_capabilities"]

MODELS: Final = {"ObsCore-1.1": "ObsCore#core-1.1", "ObsLocTAP-1.0": "ObsLocTAP#table-1.0"}
FEATURES: Final = {
    "adqlgeo": (
        "AREA", "BOX", "CENTROID", "CIRCLE", "CONTAINS", "COORD1", "COORD2", "COORDSYS", "DISTANCE", "INTERSECTS",
        "POINT", "POLYGON", "REGION",
    ),
    "adql-string": ("LOWER", "UPPER", "ILIKE"),
    "adql-sets": ("UNION", "EXCEPT", "INTERSECT"),
    "adql-common-table": ("WITH",),
    "adql-type": ("CAST",),
    "adql-unit": ("IN_UNIT",),
    "adql-offset": ("OFFSET",),
}  # fmt: skip
"""What of ADQL a service may lack, by the keys of TAPRegExt and ADQL 2.1.

COALESCE has a key of its own, but validators in use know it not and count it as an error.
"""

UPLOADS: Final = ("inline", "http", "https")
DAY_SECONDS: Final = 86400
STARTED: Final = datetime.now(UTC)
TABLES: Final = "http://www.ivoa.net/xml/VOSITables/v1.0"
DATASERVICE: Final = "http://www.ivoa.net/xml/VODataService/v1.1"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
TAPPLUS: Final = "http://esa.int/xml/EsaTapPlus"
"""ESA's own attributes: without ``flags`` on every column astroquery's TapPlus reads no tables at all.

The schema of the standard has no place for them, so they are for clients only that do not say who they are, as TapPlus.
"""

TAPPLUS_INDEXED: Final = "32"


def document(model: BaseXmlModel, *, skip_empty: bool = True) -> Response:
    """Return a document as XML."""
    written = model.to_xml(encoding="UTF-8", xml_declaration=True, skip_empty=skip_empty)
    return Response(written, content_type="text/xml;charset=UTF-8")


def tap_capabilities(settings: Settings) -> VOSICapabilities:
    """Describe the TAP service."""
    base = f"{settings.base_url}/tap"
    languages = [
        Version(value="2.0", ivo_id="ivo://ivoa.net/std/ADQL#v2.0"),
        Version(value="2.1", ivo_id="ivo://ivoa.net/std/ADQL#v2.1"),
    ]
    service = TableAccess(
        interface=_with_login(_interface(base, use="base", version="1.1")),
        data_model=[DataModelType(value=name, ivo_id=f"ivo://ivoa.net/std/{key}") for name, key in MODELS.items()],
        language=[
            Language(
                name="ADQL",
                version=languages,
                description="Astronomical Data Query Language",
                language_features=[
                    _features("udf", DECLARED),
                    *(_features(kind, dict.fromkeys(forms)) for kind, forms in FEATURES.items()),
                ],
            )
        ],
        output_format=[_output_format(f) for f in FORMATS],
        upload_method=[UploadMethod(ivo_id=f"ivo://ivoa.net/std/TAPRegExt#upload-{way}") for way in UPLOADS],
        retention_period=TimeLimits(
            default=settings.async_retention_default * DAY_SECONDS, hard=settings.async_retention_limit * DAY_SECONDS
        ),
        execution_duration=TimeLimits(default=settings.async_duration_default, hard=settings.async_duration_limit),
        output_limit=DataLimits(
            default=DataLimit(value=settings.maxrec_default, unit="row"),
            hard=DataLimit(value=settings.maxrec_limit, unit="row"),
        ),
        upload_limit=DataLimits(
            default=DataLimit(value=settings.upload_rows, unit="row"),
            hard=DataLimit(value=settings.upload_bytes, unit="byte"),
        ),
    )
    listing = Capability(
        standard_id=AnyUrl("ivo://ivoa.net/std/VOSI#tables-1.1"),
        interface=_with_login(_interface(f"{base}/tables", use="full", version=None)),
    )
    return VOSICapabilities(capability=[service, *_vosi(base), listing, _examples(f"{base}/examples")])


def sia_capabilities(settings: Settings) -> VOSICapabilities:
    """Describe the image access service."""
    base = f"{settings.base_url}/sia2"
    return VOSICapabilities(capability=[_capability("SIA#query-2.0", f"{base}/query", version="2.0"), *_vosi(base)])


def scs_capabilities(settings: Settings, table: str) -> VOSICapabilities:
    """Describe the cone search over a table."""
    base = f"{settings.base_url}/scs/{table}"
    return VOSICapabilities(capability=[_capability("ConeSearch", base, version="1.03"), *_vosi(base)])


def availability(database: Database) -> Availability:
    """Tell whether the database answers."""
    try:
        with database.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except exc.SQLAlchemyError:
        return Availability(available=False, note=["the database does not answer"])
    return Availability(available=True, up_since=UTCTimestamp.fromtimestamp(STARTED.timestamp(), UTC))


def tables(visible: Sequence[PublishedTable]) -> Response:
    """Return all tables that a client may see; with ``detail=min`` without their columns."""
    wanted = [name.strip().lower() for name in request.args.get("tables", "").split(",") if name.strip()]
    brief = dali.parameters().get("DETAIL") == "min"
    root = ET.Element(f"{{{TABLES}}}tableset")
    for name in dict.fromkeys((*SCHEMAS, *(published.schema for published in visible))):
        schema = ET.SubElement(root, "schema")
        _words(schema, name=name, description=SCHEMAS.get(name, "Tables of your own."))
        for published in visible:
            if published.schema == name and (not wanted or published.qualified in wanted):
                # pyvo asks for the columns of a single table without logging in: an account's own are told at once
                _table(ET.SubElement(schema, "table"), published, brief=brief and name in SCHEMAS)
    return _xml(root)


def table(name: str, visible: Sequence[PublishedTable]) -> Response:
    """Return one table that a client may see."""
    wanted = name.lower()
    found = next((t for t in visible if t.qualified == wanted), None)
    if found is None:
        return Response(f"there is no table {name}\n", status=404, content_type="text/plain")
    root = ET.Element(f"{{{TABLES}}}table")
    _table(root, found, brief=False)
    return _xml(root)


def _features(kind: str, forms: Mapping[str, str | None]) -> LanguageFeatureList:
    features = [LanguageFeature(form=form, description=description) for form, description in forms.items()]
    return LanguageFeatureList(type=f"ivo://ivoa.net/std/TAPRegExt#features-{kind}", feature=features)


def _output_format(written: Format) -> OutputFormat:
    standard = f"ivo://ivoa.net/std/TAPRegExt#output-{written.standard}" if written.standard else None
    return OutputFormat(mime=written.media_type, alias=list(written.aliases), ivo_id=standard)


def _examples(url: str) -> Capability:
    page = WebBrowser(role="std", access_url=[AccessURL(value=AnyUrl(url), use="full")])
    return Capability(standard_id=AnyUrl("ivo://ivoa.net/std/DALI#examples"), interface=[page])


def _vosi(base: str) -> list[Capability]:
    return [
        _capability("VOSI#capabilities", f"{base}/capabilities"),
        _capability("VOSI#availability", f"{base}/availability"),
    ]


def _capability(standard: str, url: str, *, version: str | None = None) -> Capability:
    use: Literal["full", "base"] = "base" if version else "full"
    return Capability(
        standard_id=AnyUrl(f"ivo://ivoa.net/std/{standard}"), interface=[_interface(url, use=use, version=version)]
    )


def _interface(url: str, *, use: Literal["full", "base"], version: str | None) -> ParamHTTP:
    return ParamHTTP(role="std", version=version, access_url=[AccessURL(value=AnyUrl(url), use=use)])


def _with_login(anonymous: ParamHTTP) -> list[Interface]:
    """Return an interface for anonymous clients, and the same for those that log in."""
    methods = [SecurityMethod(standard_id=AnyUrl(method)) for method in (auth.BASIC, auth.TOKEN)]
    return [anonymous, anonymous.model_copy(update={"security_method": methods})]


# The tables document is written here: vo-models escapes its descriptions twice.
def _table(parent: ET.Element, published: PublishedTable, *, brief: bool) -> None:
    parent.set("type", published.kind)
    _words(parent, name=published.qualified, description=published.description, utype=published.utype)
    if brief:
        return
    for column in published.columns:
        _column(ET.SubElement(parent, "column"), column)
    for key in published.foreign_keys:
        element = ET.SubElement(parent, "foreignKey")
        _words(element, targetTable=key.target)
        for source, target in zip(key.columns, key.target_columns, strict=True):
            _words(ET.SubElement(element, "fkColumn"), fromColumn=source, targetColumn=target)


def _column(parent: ET.Element, column: PublishedColumn) -> None:
    if not request.user_agent.string:
        parent.set(f"{{{TAPPLUS}}}flags", TAPPLUS_INDEXED if column.indexed else "0")
    _words(
        parent,
        name=as_written(column.name),
        description=column.description,
        unit=column.unit,
        ucd=column.ucd,
        utype=column.utype,
    )
    extra = {"arraysize": column.arraysize, "extendedType": column.xtype}
    data_type = ET.SubElement(parent, "dataType", {k: v for k, v in extra.items() if v})
    data_type.set(f"{{{XSI}}}type", "vs:VOTableType")
    data_type.text = column.datatype
    for flag in ("indexed", "principal", "std"):
        if getattr(column, flag):
            _words(parent, flag=flag)


def _words(parent: ET.Element, **texts: str | None) -> None:
    for tag, words in texts.items():
        if words:
            ET.SubElement(parent, tag).text = words


def _xml(root: ET.Element) -> Response:
    ET.register_namespace("vosi", TABLES)
    ET.register_namespace("xsi", XSI)
    ET.register_namespace("esatapplus", TAPPLUS)
    root.set("xmlns:vs", DATASERVICE)
    written: Any = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return Response(written, content_type="text/xml;charset=UTF-8")
