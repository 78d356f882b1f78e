"""Report → JUnit's XML, which most CI systems show as tests.

A suite is a suite and a series a test case; the first case is the outcome itself, so
that the file is red exactly where the gate is.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from benchgate.model import Failure, Judgement, Missing, Outcome, Report, Verdict
from benchgate.render.names import sentence, shown
from benchgate.render.plain import called, plain, told
from benchgate.render.rows import confidence
from benchgate.render.text import last_lines, view_of

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_GATE = "benchgate"
_WHOLE_SUITE = "(whole suite)"
_KINDS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def render_junit(report: Report) -> str:
    """Return *report* as the text of an XML file.

    A regression that may block is a failure, what did not run an error; what could
    not be told and what the head lacks is skipped.
    """
    root = Element("testsuites", name=_GATE)
    of_suite = {_GATE: SubElement(root, "testsuite", name=_GATE)}
    of_suite[_GATE].append(_outcome(report))
    level = confidence(report.judgements)
    for suite, case in _cases(report, level):
        if suite not in of_suite:
            of_suite[suite] = SubElement(root, "testsuite", name=shown(suite))
        of_suite[suite].append(case)
    for element in (root, *of_suite.values()):
        _count(element)
    indent(root)
    return f"{_DECLARATION}{tostring(root, encoding='unicode')}\n"


def _outcome(report: Report) -> Element:
    """Return the case that fails, or can't be run, where the gate does."""
    case = Element("testcase", classname=_GATE, name="outcome")
    view = view_of(report)
    kind = {Outcome.REGRESSED: "failure", Outcome.UNDECIDED: "error"}.get(
        report.outcome
    )
    if kind:
        _add(case, kind, type_=report.outcome, message=plain(view.headline))
    return case


def _cases(report: Report, level: str) -> Iterator[tuple[str, Element]]:
    """Yield the case of everything in the report, with the suite it belongs to."""
    for judgement in report.judgements:
        yield judgement.key.suite, _of_series(judgement, level)
    for failure in report.failed:
        yield failure.suite, _of_failure(failure)
    for missing in report.removed:
        yield missing.suite, _of_missing(missing)


def _of_series(judgement: Judgement, level: str) -> Element:
    key = judgement.key
    case = Element("testcase", classname=shown(key.suite), name=called(key))
    said = told(judgement, confidence=level)
    verdict = judgement.verdict
    if verdict is Verdict.INCONCLUSIVE:
        _add(case, "skipped", message=f"could not be told: {said}")
    elif verdict is Verdict.REGRESSED:
        if judgement.blocking and judgement.accepted is None:
            _add(case, "failure", type_=verdict, message=said)
        else:
            SubElement(case, "system-out").text = f"regressed, but passes: {said}"
    return case


def _of_failure(failure: Failure) -> Element:
    name = shown(failure.benchmark) if failure.benchmark else _WHOLE_SUITE
    case = Element("testcase", classname=shown(failure.suite), name=name)
    error = _add(case, "error", type_="failed", message=sentence(failure.reason))
    error.text = "\n".join(last_lines(failure)) or None
    return case


def _of_missing(missing: Missing) -> Element:
    name = shown(missing.benchmark)
    case = Element("testcase", classname=shown(missing.suite), name=name)
    _add(case, "skipped", message="the base has it, the head does not")
    return case


def _add(case: Element, kind: str, *, message: str, type_: str = "") -> Element:
    kinds = {"type": type_} if type_ else {}
    return SubElement(case, kind, {"message": message} | kinds)


def _count(element: Element) -> None:
    """Write how many cases *element* holds, and how many of them are not well."""
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for name, kind in _KINDS.items():
        element.set(name, str(sum(case.find(kind) is not None for case in cases)))
