"""The examples that the service gives: clients read them, and every one of them runs."""

from xml.etree import ElementTree as ET

import pyvo
import requests

from archive.archive import Archive

Service = tuple[Archive, str]
XHTML = "{http://www.w3.org/1999/xhtml}"


def test_pyvo_reads_the_examples_and_runs_every_one(full_service: Service) -> None:
    tap = pyvo.dal.TAPService(f"{full_service[1]}/tap")
    assert len(tap.examples) >= 8
    answers = [example.execute() for example in tap.examples]
    assert all(answer.fieldnames for answer in answers)
    assert sum(len(answer) > 0 for answer in answers) >= 6


def test_an_example_has_a_name_of_its_own_and_says_which_tables_it_reads(full_service: Service) -> None:
    answer = requests.get(f"{full_service[1]}/tap/examples", timeout=30)
    assert answer.headers["Content-Type"].startswith("application/xhtml+xml")
    page = ET.fromstring(answer.content)  # noqa: S314  our own
    shown = page.findall(f".//{XHTML}div[@typeof='example']")
    names = [each.get("id") for each in shown]
    assert len(set(names)) == len(names) >= 8
    for each in shown:
        assert each.get("resource") == f"#{each.get('id')}"
        query = each.find("*[@property='query']")
        tables = [table.text for table in each.findall(".//*[@property='table']")]
        assert query is not None
        assert tables
        assert all(table in (query.text or "") for table in tables if table)


def test_the_examples_are_announced(full_service: Service) -> None:
    tap = pyvo.dal.TAPService(f"{full_service[1]}/tap")
    (found,) = [c for c in tap.capabilities if c.standardid == "ivo://ivoa.net/std/DALI#examples"]
    assert found.interfaces[0].accessurls[0].content == f"{full_service[1]}/tap/examples"
