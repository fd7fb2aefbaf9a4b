"""What the archive holds: products, the files (artifacts) they are kept in, and the releases they belong to."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, relationship

from schema.base import Base, SPoly, big_integer, column, hidden, region, table

__all__ = ["MADE", "Artifact", "Header", "NamingRule", "Product", "Release", "Resolution", "Role"]

MADE: Final = text("kind NOT IN ('exposure', 'calibration')")
"""Products that somebody made for science: few, among the many raw frames and calibrations."""


class Resolution(StrEnum):
    """The two point-spread functions under which the survey publishes everything.

    Others are called by their width: 1.50asec, 150pc.
    """

    NATIVE = "native"
    COPT = "copt"


class Role(StrEnum):
    """What a file is to its product; DataLink semantics without the hash."""

    THIS = "this"
    PREVIEW = "preview"
    AUXILIARY = "auxiliary"


class Release(Base):
    """A survey's data release, as its description tells it."""

    __tablename__ = "release"
    __table_args__ = (table("survey", "Data releases that the archive knows."),)

    release_id: Mapped[str] = column(primary_key=True, doc="Short name of the release.", ucd="meta.id;meta.main")
    title: Mapped[str] = column(doc="Title of the release.", ucd="meta.title", principal=True)
    collection: Mapped[str] = column(doc="Name of the data collection in ObsCore.", ucd="meta.id;meta.dataset")
    published: Mapped[datetime | None] = column(doc="Date of publication.", ucd="time.release", xtype="timestamp")
    bibcode: Mapped[str | None] = column(doc="Bibcode of the survey paper.", ucd="meta.bib.bibcode")
    doi: Mapped[str | None] = column(doc="Digital object identifier of the data.", ucd="meta.ref.doi")
    licence: Mapped[str | None] = column(doc="Licence of the data.", ucd="meta.note")
    acknowledgement: Mapped[str | None] = column(doc="What users of the data are asked to write.", ucd="meta.note")
    source_sha256: Mapped[str] = column(doc="SHA-256 of the tables that were read.", ucd="meta.checksum")


class NamingRule(Base):
    """How a release names one kind of file."""

    __tablename__ = "naming_rule"
    __table_args__ = (table("survey", "How a release names its files: one pattern a kind of product."),)

    release_id: Mapped[str] = column(
        None, ForeignKey("survey.release.release_id"), primary_key=True, doc="Release.", ucd="meta.id"
    )
    kind: Mapped[str] = column(primary_key=True, doc="Kind of product: cube, image or maps.", ucd="meta.code.class")
    resolution: Mapped[str] = column(primary_key=True, doc="native or copt.", ucd="meta.code")
    pattern: Mapped[str] = column(
        doc="File name with {target}, {filter} and {psf} to fill in.", ucd="meta.id;meta.file"
    )
    prodcatg: Mapped[str] = column(doc="ESO product category of such files.", ucd="meta.code.class")
    filters: Mapped[list[str]] = hidden(doc="Values that {filter} takes; empty when the pattern has none.")


class Product(Base):
    """One thing of science: a cube, an image, maps, a raw frame.  Visible only when its file is whole on disk."""

    __tablename__ = "product"
    __table_args__ = (
        CheckConstraint("resolution ~ '^(native|copt|[0-9.]+(asec|pc|kpc))$'", name="resolution"),
        Index("ix_product_position", text("spoint(radians(ra), radians(dec))"), postgresql_using="gist"),
        Index("ix_product_footprint", "footprint_spoly", postgresql_using="gist"),
        Index("ix_product_kind", "kind", "ingested", "product_id"),
        Index("ix_product_made", "ingested", "product_id", postgresql_where=MADE),
        table("survey", "The products that the archive holds."),
    )

    product_id: Mapped[str] = column(
        primary_key=True, doc="Identifier of the product within the archive.", ucd="meta.id;meta.main", principal=True
    )
    kind: Mapped[str] = column(
        doc="What it is: cube, image, maps, exposure, calibration, or a step between these.",
        ucd="meta.code.class",
        principal=True,
    )
    title: Mapped[str] = column(doc="One line that tells the product from its neighbours.", ucd="meta.title")
    prodcatg: Mapped[str | None] = column(doc="ESO product category.", ucd="meta.code.class")
    collection: Mapped[str] = column(doc="Data collection.", ucd="meta.id;meta.dataset", index=True)
    release_id: Mapped[str | None] = column(
        None, ForeignKey("survey.release.release_id"), doc="Release that the product belongs to.", ucd="meta.id"
    )
    target: Mapped[str | None] = column(
        None,
        ForeignKey("survey.target.name"),
        doc="Galaxy of the survey, where it is one.",
        ucd="meta.id;src",
        index=True,
    )
    target_name: Mapped[str | None] = column(doc="Designation of what was observed.", ucd="meta.id;src", principal=True)
    resolution: Mapped[str | None] = column(doc="native, or copt where the PSF was homogenised.", ucd="meta.code")
    filter: Mapped[str | None] = column(doc="Name of the band of an image.", ucd="meta.id;instr.filter")
    calib_level: Mapped[int] = column(doc="Calibration level of ObsCore, 0 to 4.", ucd="meta.code;obs.calib")
    ra: Mapped[float | None] = column(
        doc="Right ascension of the centre, ICRS.", unit="deg", ucd="pos.eq.ra;meta.main", principal=True
    )
    dec: Mapped[float | None] = column(
        doc="Declination of the centre, ICRS.", unit="deg", ucd="pos.eq.dec;meta.main", principal=True
    )
    footprint: Mapped[list[float] | None] = region(
        doc="Outline on the sky, ICRS.", ucd="pos.outline;obs.field", geometry="footprint_spoly"
    )
    footprint_spoly: Mapped[str | None] = hidden(
        SPoly(), Computed("sphere.polygon(footprint)", persisted=True), doc="The footprint as pgSphere searches it."
    )
    field_of_view: Mapped[float | None] = column(doc="Diagonal of the field.", unit="deg", ucd="phys.angSize;instr.fov")
    pixel_scale: Mapped[float | None] = column(
        doc="Size of a spatial pixel.", unit="arcsec", ucd="phys.angSize;instr.pixel"
    )
    spatial_resolution: Mapped[float | None] = column(
        doc="FWHM of the PSF, where the header gives it.", unit="arcsec", ucd="pos.angResolution"
    )
    n_x: Mapped[int | None] = column(doc="Pixels along the first axis.", ucd="meta.number")
    n_y: Mapped[int | None] = column(doc="Pixels along the second axis.", ucd="meta.number")
    n_wavelength: Mapped[int | None] = column(doc="Pixels along the wavelength axis.", ucd="meta.number")
    mjd_start: Mapped[float | None] = column(
        doc="Start of the first exposure, modified Julian date, UTC.", unit="d", ucd="time.start;obs.exposure"
    )
    mjd_end: Mapped[float | None] = column(
        doc="End of the last exposure, modified Julian date, UTC.", unit="d", ucd="time.end;obs.exposure"
    )
    exptime: Mapped[float | None] = column(
        doc="Integration time as its header gives it.", unit="s", ucd="time.duration;obs.exposure"
    )
    wavelength_min: Mapped[float | None] = column(
        doc="Shortest wavelength, as on the wavelength axis.", unit="m", ucd="em.wl;stat.min", principal=True
    )
    wavelength_max: Mapped[float | None] = column(
        doc="Longest wavelength, as on the wavelength axis.", unit="m", ucd="em.wl;stat.max", principal=True
    )
    wavelength_kind: Mapped[str | None] = column(doc="AWAV in air, WAVE in vacuum.", ucd="meta.code;em.wl")
    resolving_power: Mapped[float | None] = column(doc="Spectral resolving power.", ucd="spect.resolution")
    flux_unit: Mapped[str | None] = column(doc="Unit of the data, as the header writes it.", ucd="meta.unit")
    facility: Mapped[str | None] = column(doc="Telescope.", ucd="meta.id;instr.tel")
    instrument: Mapped[str | None] = column(doc="Instrument.", ucd="meta.id;instr")
    ins_mode: Mapped[str | None] = column(doc="Instrument mode.", ucd="instr.setup")
    run_id: Mapped[str | None] = column(doc="Programme with run letter.", ucd="meta.id;obs.proposal")
    programme_id: Mapped[str | None] = column(
        None, ForeignKey("survey.programme.programme_id"), doc="Observing programme.", ucd="meta.id;obs.proposal"
    )
    eso_ob_id: Mapped[int | None] = column(big_integer(), doc="ESO OBS ID.", ucd="meta.id;obs")
    tpl_start: Mapped[datetime | None] = column(
        doc="Start of the template, UTC.", ucd="time.start;obs", xtype="timestamp"
    )
    n_exposures: Mapped[int | None] = column(doc="Number of exposures combined.", ucd="meta.number;obs.exposure")
    simulated: Mapped[int] = column(
        doc="1 when the data were simulated, 0 when they come from the sky.", ucd="meta.code", server_default="0"
    )
    ingested: Mapped[datetime] = column(
        doc="When the product became visible, UTC.", ucd="time.creation", xtype="timestamp"
    )
    public_from: Mapped[datetime | None] = column(
        doc="When the data become public, UTC; empty when they are.", ucd="time.release", xtype="timestamp"
    )

    artifacts: Mapped[list["Artifact"]] = relationship(order_by="Artifact.role.desc()", back_populates="product")


class Artifact(Base):
    """One file of a product, kept in the store under its checksum."""

    __tablename__ = "artifact"
    __table_args__ = (
        Index("ix_artifact_lost", "artifact_id", postgresql_where=text("lost IS NOT NULL")),
        table("survey", "The files that the products are kept in."),
    )

    artifact_id: Mapped[str] = column(
        primary_key=True, doc="Name under which the file is served.", ucd="meta.id;meta.file;meta.main", principal=True
    )
    product_id: Mapped[str] = column(
        None, ForeignKey("survey.product.product_id"), doc="Product of which it is a file.", ucd="meta.id", index=True
    )
    role: Mapped[str] = column(
        doc="this for the product itself, preview for a picture of it, auxiliary for what goes with it.",
        ucd="meta.code",
    )
    file_name: Mapped[str] = column(doc="Name that the file came with.", ucd="meta.id;meta.file", principal=True)
    media_type: Mapped[str] = column(doc="Media type.", ucd="meta.code.mime", principal=True)
    file_size: Mapped[int] = column(
        big_integer(), doc="Length.", unit="byte", ucd="phys.size;meta.file", principal=True
    )
    sha256: Mapped[str] = column(doc="SHA-256 of the content, hexadecimal.", ucd="meta.checksum", index=True)
    stored: Mapped[datetime] = column(doc="When the file was stored, UTC.", ucd="time.creation", xtype="timestamp")
    lost: Mapped[datetime | None] = column(
        doc="When the file was found to be missing, UTC; empty where it is there.", ucd="meta.note", xtype="timestamp"
    )

    location: Mapped[str | None] = hidden(doc="Where the file lies, when it was left outside the store.")

    product: Mapped[Product] = relationship(back_populates="artifacts")


class Header(Base):
    """The header of one HDU, whole: its cards, one a line."""

    __tablename__ = "header"
    __table_args__ = (table("archive", "FITS headers as they were read.", published=False),)

    artifact_id: Mapped[str] = hidden(
        None, ForeignKey("survey.artifact.artifact_id"), primary_key=True, doc="File that holds the HDU."
    )
    extension: Mapped[int] = hidden(primary_key=True, doc="Number of the HDU, 0 for the primary.", autoincrement=False)
    extname: Mapped[str | None] = hidden(doc="EXTNAME.")
    cards: Mapped[str] = hidden(doc="The cards, one a line.")
