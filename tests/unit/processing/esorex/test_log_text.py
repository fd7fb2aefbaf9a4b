"""What a log of esorex says."""

from processing.esorex.log_text import error_of, grave_of, loaded_tables, messages, warnings_of
from processing.esorex.versions import versions_of

LOG = """
Start time     : 2026-11-23T01:03:25
Severity level : [ INFO  ]

01:03:25 [ INFO  ] : [tid=000] This is EsoRex, version 3.13.6
01:03:25 [ INFO  ] : [tid=000] using the libraries: CPL = 7.2.3, CFITSIO = 4.2.0
01:03:25 [WARNING] : [tid=000] Unable to open directory /usr/lib/cpl/plugins
01:03:25 [ INFO  ] muse_processing_recipeinfo: [tid=000] MUSE Instrument Pipeline v2.8.7
01:03:25 [WARNING] muse_pixtable_load_merge_channels: [tid=000] Channel for IFU 01 is missing
01:03:26 [ INFO  ] muse_pixtable_load_window: [tid=000] Loading pixel table "/data/a/table-12.fits" (image format)
01:03:26 [WARNING] muse_lsf: [tid=001] No LSF_PROFILE (cube format) specified for IFU 12!
01:03:26 [WARNING] muse_lsf: [tid=001] No LSF_PROFILE (cube format) specified for IFU 12!
01:03:27 [ ERROR ] muse_scipost: [tid=000] it is broken
  and more of it
01:03:27 [ ERROR ] : [tid=000] [1/3] 'Data not found' (10) at cpl_propertylist_get_string:cpl_propertylist.c:2739
"""


def test_messages_have_levels_and_no_decoration() -> None:
    said = list(messages(LOG))
    assert (said[0].level, said[0].text) == ("INFO", "This is EsoRex, version 3.13.6")
    assert len(said) == 10


def test_warnings_that_mean_nothing_are_left_out_and_others_come_once() -> None:
    assert warnings_of(LOG) == ("No LSF_PROFILE (cube format) specified for IFU 12!",)


def test_a_warning_is_grave_for_the_ifus_that_are_there() -> None:
    assert grave_of(LOG, {12, 13}) == "No LSF_PROFILE (cube format) specified for IFU 12!"
    assert grave_of(LOG, {13}) is None


def test_errors_are_told_with_those_of_the_library() -> None:
    assert error_of(LOG).startswith("it is broken; [1/3] 'Data not found' (10) at cpl_propertylist_get_string")


def test_tables_that_were_read_are_known_by_name() -> None:
    assert loaded_tables(LOG) == {"table-12.fits"}


def test_versions_are_known() -> None:
    assert versions_of(LOG) == {"esorex": "3.13.6", "cpl": "7.2.3", "muse": "2.8.7"}
    assert versions_of("") == {}
