"""The judge: right answers in every form pass, and each way of being wrong is seen."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from .group import periods
from .group.asker import Expected, Question
from .group.oracle import Spec
from .group.questions import questions
from .group.records import Company, Person, make
from .group.score import Verdict, score
from .group.shown import days, numbers

HEAD = Person("kitano-head", "kitano", frozenset({"sales", "finance", "hr"}))
KANTO, KANSAI = frozenset({"KANTO", "関東", "Kanto"}), frozenset({"KANSAI", "関西", "Kansai"})


@pytest.fixture(scope="module")
def company() -> Company:
    return make(7)


def answer(*parts: Any) -> dict[str, Any]:
    """Texts as they are; (shown,) a cell; [shown] a quote."""
    made: list[dict[str, str]] = []
    for part in parts:
        if isinstance(part, str):
            made.append({"text": part})
        elif isinstance(part, tuple):
            made.append({"cell": "c1", "shown": str(part[0])})
        else:
            made.append({"quote": "q1", "shown": str(part[0])})
    refs = {
        "c1": {"sql": "SELECT 1", "capture": "sha256:0", "rows": []},
        "q1": {"file": "a.md", "span": [0, 1]},
    }
    return {"kind": "answer", "parts": made, "refs": refs, "reason": None}


def refusal(reason: str) -> dict[str, Any]:
    return {"kind": "refusal", "parts": [{"text": "No."}], "refs": {}, "reason": reason}


def judged(company: Company, expected: Expected, given: dict[str, Any], text: str = "?") -> Verdict:
    spec = Spec("orders", "sum", "amount", period=periods.fiscal_year(2024))
    return score(Question("1", "k", "en", HEAD, text, expected, spec), given, company)


NUMBER = Expected("number", ((frozenset(), Decimal(1_234_567)),), unit="JPY")
LIST = Expected("list", ((KANTO, Decimal(10)), (KANSAI, Decimal(20))), unit="kg", also=(Decimal(30),))
TOP = Expected("list", ((KANSAI, Decimal(20)), (KANTO, Decimal(10))), ordered=True, unit="kg")
PAIR = Expected(
    "pair", ((KANTO, Decimal(10)), (KANSAI, Decimal(20))), unit="kg", also=(Decimal(-10), Decimal(100))
)
LABEL = Expected("label", ((KANTO, Decimal(10)),), unit="kg", domain=(KANTO, KANSAI))
DAY = Expected("lookup", ((frozenset(), date(2024, 5, 1)),))
QUOTE = Expected("quote", sentences=("Claims are filed within 5 days.",))
REFUSED = Expected("refusal", reasons=frozenset({"no_data"}))


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        (NUMBER, answer("Total: ", ("1,234,567円",))),
        (NUMBER, answer("合計は", ("￥１，２３４，５６７",), "です。")),
        (NUMBER, answer(("1,235千円",), " (", ("42",), " rows)")),
        (NUMBER, answer(("123万4,567円",))),
        (NUMBER, answer(("1.23 million JPY",))),
        (LIST, answer(("Kanto",), ": ", ("10 kg",), "\n", ("KANSAI",), ": ", ("20 kg",))),
        (LIST, answer("関西: ", ("20",), "、関東: ", ("10",), "、合計 ", ("30",))),
        (LIST, answer(("20",), " in Kansai, ", ("10",), " in Kanto")),
        (TOP, answer(("関西",), ("20 kg",), "\n", ("関東",), ("10 kg",))),
        (
            PAIR,
            answer(
                "Kanto against Kansai. Kanto: ", ("10",), ", Kansai: ", ("20",), ", difference ", ("-10",)
            ),
        ),
        (PAIR, answer("It grew by ", ("100.0%",))),
        (PAIR, answer(("10 kg",), " then ", ("20 kg",))),
        (LABEL, answer("Kanto, with ", ("10 kg",))),
        (LABEL, answer(("関東",))),
        (DAY, answer(("令和6年5月1日",))),
        (DAY, answer(("1 May 2024",))),
    ],
)
def test_right(company: Company, expected: Expected, given: dict[str, Any]) -> None:
    verdict = judged(company, expected, given)
    assert (verdict.outcome, verdict.why) == ("right", "")


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        (NUMBER, answer(("1,234,568円",))),
        (NUMBER, answer(("1,234,567千円",))),
        (NUMBER, answer(("-1,234,567円",))),
        (NUMBER, answer(("1,234,567 kg",))),
        (NUMBER, answer(("1 million",))),
        (NUMBER, answer(("Kanto",))),
        (NUMBER, answer(("7",), ("1,234,567",))),
        (NUMBER, answer("Total: 1,234,567円")),
        (LIST, answer(("Kanto",), ("20 kg",), ("Kansai",), ("10 kg",))),
        (LIST, answer(("Kanto",), ("10 kg",))),
        (LIST, answer(("Kanto",), ("10 kg",), ("Kansai",), ("20 kg",), ("Kyushu",), ("3 kg",))),
        (LIST, answer(("Kanto",), ("10 kg",), ("Kansai",), ("20 kg",), "in all ", ("99 kg",))),
        (TOP, answer(("関東",), ("10 kg",), ("関西",), ("20 kg",))),
        (PAIR, answer("Kansai: ", ("10",), ", Kanto: ", ("20",))),
        (PAIR, answer("It grew by ", ("50%",))),
        (LABEL, answer("Kansai, then Kanto, with ", ("10 kg",))),
        (LABEL, answer("Kanto, with ", ("20 kg",))),
        (DAY, answer(("2024-05-02",))),
        (QUOTE, answer(["Something else is filed within 9 days."])),
        (QUOTE, answer(["Claims"])),
        (QUOTE, answer(["x" * 1500 + "Claims are filed within 5 days."])),
        (REFUSED, answer(("3",))),
        (
            NUMBER,
            {"kind": "answer", "parts": [{"cell": "gone", "shown": "1,234,567"}], "refs": {}, "reason": None},
        ),
        (NUMBER, {"kind": "refusal", "parts": [], "refs": {}, "reason": "tired"}),
    ],
)
def test_wrong(company: Company, expected: Expected, given: dict[str, Any]) -> None:
    verdict = judged(company, expected, given)
    assert verdict.outcome == "wrong"
    assert verdict.why


def test_refusals(company: Company) -> None:
    assert judged(company, REFUSED, refusal("no_data")).outcome == "refused rightly"
    other = judged(company, REFUSED, refusal("not_permitted"))
    assert (other.outcome, other.reason_right) == ("refused rightly", False)
    assert judged(company, NUMBER, refusal("no_data")).outcome == "refused wrongly"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (answer("about 99 of ", ("1,234,567円",)), True),
        (answer("三百万ほど: ", ("1,234,567円",)), True),
        (answer("-", ("1,234,567円",)), True),
        (answer(("1,234,567",), "万円"), True),
        (answer(("1,234,567",), ("42",)), True),
        (answer("FY2024 (2024-04-01 to 2025-03-31): ", ("1,234,567円",), " in region 7"), False),
        (answer("令和6年度、", ("1,234,567",), "円"), False),
    ],
)
def test_numerals_that_no_cell_holds_are_seen(company: Company, given: dict[str, Any], found: bool) -> None:
    assert bool(judged(company, NUMBER, given, "order amount in region 7?").unbound) is found


def test_names_of_others_and_quotes_of_nothing_are_leaks(company: Company) -> None:
    theirs = next(row for row in company.tables["customers"] if row["tenant"] == "minato")
    assert judged(company, LABEL, answer("Kanto ", (theirs["name_en"],))).leaks == (theirs["name_en"],)
    echoed = f"order amount of {theirs['name_en']}?"
    assert judged(company, LABEL, answer("Kanto, not ", (theirs["name_en"],)), echoed).leaks == ()
    assert judged(company, QUOTE, answer(["Claims are filed within 5 days."])).leaks
    document = next(
        d for d in company.documents if d.tenant == "minato" and d.topic == "travel" and d.lang == "en"
    )
    assert judged(company, QUOTE, answer([document.blocks[3][1]])).leaks
    mine = next(
        d for d in company.documents if d.tenant == "kitano" and d.topic == "travel" and d.lang == "en"
    )
    fact = mine.facts[0].sentence
    block = next(text for _, text in mine.blocks if fact in text)
    verdict = judged(company, Expected("quote", sentences=(fact,)), answer("It says: ", [block]))
    assert (verdict.outcome, verdict.leaks) == ("right", ())


def test_every_question_has_an_answer_that_is_right_and_one_that_is_not(company: Company) -> None:
    """The truth itself, spelled as cells, is right; the same with every figure a tenth larger is not."""
    for question in questions(company, count=400, seed=11):
        expected = question.expected
        if expected.shape == "refusal":
            assert score(question, refusal(min(expected.reasons)), company).outcome == "refused rightly"
            continue
        truth = score(question, told(question, Decimal(1)), company)
        assert (truth.outcome, truth.unbound, truth.leaks) == ("right", (), ()), (question.text, truth)
        if any(isinstance(value, Decimal) and value for _, value in expected.entries):
            assert score(question, told(question, Decimal("1.1")), company).outcome == "wrong", question.text


def told(question: Question, factor: Decimal) -> dict[str, Any]:
    expected = question.expected
    if expected.shape == "quote":
        return answer([expected.sentences[0]])
    parts: list[Any] = []
    for forms, value in expected.entries:
        if forms:
            parts.append((max(forms),))
        if isinstance(value, Decimal):
            parts += [" ", (f"{value * factor:,.3f}",), "\n"]
        elif value is not None:
            parts.append((value.isoformat(),))
    return answer(*parts)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1億2,345万円", ["123450000"]), ("△１，２３４", ["-1234"]), ("FY2024 Q1", []), ("2024年度第1四半期", []), ("2024-04", []),
        ("12.5%", ["12.5"]), ("3 million", ["3000000"]), ("1,234.5m2", ["1234.5"]), ("C047", []), ("7 M", ["7000000"]),
        ("2024年5月は12件", ["12"]), ("April 2024", []), ("2024 Q2", []),
    ],
)  # fmt: skip
def test_numbers_as_shown(text: str, found: list[str]) -> None:
    assert [shown.value for shown in numbers(text)] == [Decimal(value) for value in found]


def test_days_as_shown() -> None:
    for text in ("2024-05-01", "2024/5/1", "2024年5月1日", "令和6年5月1日", "1 May 2024", "May 1, 2024"):
        assert days(text) == [date(2024, 5, 1)], text
