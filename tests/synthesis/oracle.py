"""Questions to the made-up company as people ask them, and the right answers from its records alone.

The answers are added up in Python from the generator's memory: no file, no SQL and nothing of the room is
used, so an answer that agrees with one of these is right and not merely consistent.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from tests.synthesis.company import (
    CATEGORIES,
    EXPENSES,
    INDUSTRIES,
    REGIONS,
    SEVERITY,
    STATUS,
    TENANTS,
    Company,
    Row,
    Who,
)  # fmt: skip

Lang = Literal["ja", "en"]


@dataclass(frozen=True)
class Asked:
    """A question, who asks it, and what is right.

    `expect`: a number; a list of (label, number); a label; ("quote", sentence); or ("refusal", reason).
    """

    kind: str
    lang: Lang
    who: Who
    text: str
    expect: Any


@dataclass(frozen=True)
class _Measure:
    table: str
    column: str
    date: str
    en: tuple[str, ...]
    ja: tuple[str, ...]


_MEASURES = (
    _Measure(
        "orders",
        "amount",
        "order_date",
        ("order amount", "amount of orders", "value of orders"),
        ("受注金額", "受注額", "受注の金額"),
    ),
    _Measure(
        "orders",
        "quantity",
        "order_date",
        ("order quantity", "quantity of orders"),
        ("受注数量", "受注の数量"),
    ),
    _Measure(
        "invoices",
        "billed",
        "invoice_date",
        ("billed amount", "amount billed on invoices", "invoice amount"),
        ("請求金額", "請求額"),
    ),
    _Measure(
        "purchases", "cost", "purchase_date", ("purchase cost", "cost of purchases"), ("仕入額", "仕入金額")
    ),
    _Measure(
        "expenses", "spent", "spent_on", ("expense amount", "amount of expenses"), ("支出額", "経費の支出額")
    ),
    _Measure(
        "tickets",
        "hours",
        "opened_on",
        ("handling hours", "support ticket handling hours"),
        ("対応時間", "問い合わせの対応時間"),
    ),
)
_COUNTS = (
    ("orders", "order_date", ("orders",), ("受注",)), ("invoices", "invoice_date", ("invoices",), ("請求",)),
    ("shipments", "shipped_on", ("shipments",), ("出荷",)), ("tickets", "opened_on", ("support tickets", "tickets"), ("問い合わせ",)),
    ("purchases", "purchase_date", ("purchases",), ("仕入",)),
)  # fmt: skip


def periods(draw: random.Random) -> tuple[str, str, date, date]:
    """A period: in English, in Japanese, from, and before."""
    year, kind = draw.choice([2024, 2025]), draw.randrange(5)
    month = draw.randrange(4, 13) if year == 2024 else draw.randrange(1, 13)
    english = date(year, month, 1).strftime("%B %Y")
    nxt = date(year + month // 12, month % 12 + 1, 1)
    if kind == 0:
        return (
            draw.choice([f"FY{year}", f"fiscal year {year}", f"fiscal {year}"]),
            draw.choice([f"{year}年度", f"令和{year - 2018}年度"]),
            date(year, 4, 1),
            date(year + 1, 4, 1),
        )
    if kind == 1:
        return (
            draw.choice([english, f"{year}-{month:02d}"]),
            draw.choice([f"{year}年{month}月", f"令和{year - 2018}年{month}月"]),
            date(year, month, 1),
            nxt,
        )
    if kind == 2:
        quarter = draw.randrange(1, 5)
        start = year * 12 + 3 + (quarter - 1) * 3
        return (
            draw.choice([f"Q{quarter} FY{year}", f"FY{year} Q{quarter}"]),
            f"{year}年度第{quarter}四半期",
            date(start // 12, start % 12 + 1, 1),
            date((start + 3) // 12, (start + 3) % 12 + 1, 1),
        )
    if kind == 3:
        return "calendar year 2025", "2025年", date(2025, 1, 1), date(2026, 1, 1)
    return (
        f"the period from {english} to {nxt.strftime('%B %Y')}",
        f"{year}年{month}月から{nxt.year}年{nxt.month}月まで",
        date(year, month, 1),
        date(nxt.year + nxt.month // 12, nxt.month % 12 + 1, 1),
    )


def questions(company: Company, count: int, seed: int) -> Iterator[Asked]:
    """So many questions, a quarter of which have no answer."""
    draw = random.Random(seed)
    makers = list(_MAKERS)
    refusing = list(_UNANSWERABLE)
    made = 0
    while made < count:
        who = draw.choice(company.people)
        lang: Lang = draw.choice(["ja", "en"])
        make = draw.choice(refusing) if made % 4 == 3 else draw.choice(makers)
        asked = make(company, draw, who, lang)
        if asked is not None:
            yield asked
            made += 1


def _sum(rows: list[Row], column: str) -> Any:
    return sum((Decimal(r[column]) for r in rows), Decimal(0))


def _measure(draw: random.Random, who: Who) -> _Measure:
    return draw.choice([m for m in _MEASURES if not who.regions or m.table in {"orders", "invoices"}])


def _within(rows: list[Row], column: str, start: date, end: date) -> list[Row]:
    return [r for r in rows if start <= r[column] < end]


_Made = Asked | None


def total(company: Company, draw: random.Random, who: Who, lang: Lang) -> _Made:
    """A sum over a period."""
    m = _measure(draw, who)
    en, ja, start, end = periods(draw)
    rows = _within(company.rows(m.table, who), m.date, start, end)
    if not rows:
        return None
    e, j = draw.choice(m.en), draw.choice(m.ja)
    text = draw.choice([
        f"What was the total {e} in {en}?", f"How much was the {e} in {en} in total?", f"Total {e} for {en}",
        f"Please give me the sum of the {e} during {en}.", f"Show the overall {e} in {en}", f"What is the {e} for {en}?",
    ]) if lang == "en" else draw.choice([
        f"{ja}の{j}の合計はいくらですか？", f"{ja}の{j}合計を教えてください", f"{ja}における{j}の総額は？",
        f"{ja}の{j}はいくらでしたか。", f"{ja}の合計{j}を教えて", f"{j}の合計を{ja}について示してください。",
    ])  # fmt: skip
    return Asked("total", lang, who, text, _sum(rows, m.column))


def filtered(company: Company, draw: random.Random, who: Who, lang: Lang) -> _Made:
    """A sum where a column has a value."""
    table, column, name, ja_name, where, values = draw.choice([
        ("orders", "amount", "order amount", "受注金額", "region", REGIONS), ("orders", "amount", "order amount", "受注金額", "status", STATUS),
        ("invoices", "billed", "billed amount", "請求金額", "region", REGIONS), ("expenses", "spent", "expense amount", "支出額", "kind", EXPENSES),
        ("tickets", "hours", "handling hours", "対応時間", "severity", SEVERITY), ("orders", "quantity", "order quantity", "受注数量", "region", REGIONS),
    ])  # fmt: skip
    if who.regions and table not in {"orders", "invoices"}:
        return None
    code = draw.choice(list(values))
    rows = [r for r in company.rows(table, who) if r[where] == code]
    if not rows:
        return None
    ja, en = values[code]
    text = draw.choice([
        f"What is the total {name} for {en}?", f"How much {name} do we have in {en}?" if where == "region" else f"Total {name} of {en}",
        f"Sum of the {name} where {where} is {en}" if where != "kind" else f"Sum of the {name} for {en}", f"{en}: total {name}?", f"Tell me the total {name} for {en} please",
    ]) if lang == "en" else draw.choice([
        f"{ja}の{ja_name}の合計は？", f"{ja}の{ja_name}はいくらですか", f"{ja}における{ja_name}の合計を教えてください。",
        f"{ja}の合計{ja_name}", f"{ja_name}の合計を{ja}について教えて",
    ])  # fmt: skip
    return Asked("filtered", lang, who, text, _sum(rows, column))


def counted(company: Company, draw: random.Random, who: Who, lang: Lang) -> _Made:
    """How many rows in a period."""
    table, day, english, japanese = draw.choice(
        [c for c in _COUNTS if not who.regions or c[0] in {"orders", "invoices"}]
    )
    en, ja, start, end = periods(draw)
    rows = _within(company.rows(table, who), day, start, end)
    if not rows:
        return None
    e, j = draw.choice(english), draw.choice(japanese)
    text = draw.choice([
        f"How many {e} were there in {en}?", f"Number of {e} in {en}", f"What was the number of {e} during {en}?",
        f"Count the {e} in {en}", f"How many {e} did we have in {en}?",
    ]) if lang == "en" else draw.choice([
        f"{ja}の{j}件数は？", f"{ja}の{j}は何件ですか", f"{ja}に{j}は何件ありましたか？", f"{ja}の{j}の件数を教えてください", f"{j}の件数を{ja}について集計して",
    ])  # fmt: skip
    return Asked("counted", lang, who, text, Decimal(len(rows)))


def average(company: Company, draw: random.Random, who: Who, lang: Lang) -> _Made:
    """A mean, rounded as shown."""
    m = _measure(draw, who)
    rows = company.rows(m.table, who)
    if not rows:
        return None
    e, j = draw.choice(m.en), draw.choice(m.ja)
    text = draw.choice([
        f"What is the average {e}?", f"Average {e}", f"On average, what is the {e}?", f"Show me the mean {e}.", f"What's the average {e} per {_single(m.table)}?",
    ]) if lang == "en" else draw.choice([
        f"{j}の平均は？", f"平均{j}を教えてください", f"{j}の平均値はいくらですか", f"{j}は平均でいくらですか？", f"平均の{j}は？",
    ])  # fmt: skip
    return Asked("average", lang, who, text, ("about", _sum(rows, m.column) / len(rows)))


def _single(table: str) -> str:
    return {"tickets": "ticket"}.get(table, table.rstrip("s"))


def extreme(company: Company, draw: random.Random, who: Who, lang: Lang) -> _Made:
    """The highest or lowest cell."""
    m = _measure(draw, who)
    rows = company.rows(m.table, who)
    if not rows:
        return None
    high = draw.random() < 0.5
    value = (max if high else min)(Decimal(r[m.column]) for r in rows)
    e, j = draw.choice(m.en[:1]), draw.choice(m.ja)
    word = draw.choice(["highest", "largest", "maximum"] if high else ["lowest", "smallest", "minimum"])
    jword = draw.choice(["最大", "最高"] if high else ["最小", "最低"])
    text = draw.choice([f"What is the {word} {e}?", f"{word.capitalize()} {e}", f"Give me the {word} {e}", f"What was the {word} single {e}?", f"Tell me the {word} {e}."]) if lang == "en" else draw.choice([
        f"{j}の{jword}は？", f"{jword}の{j}を教えて", f"{jword}の{j}はいくらですか", f"{j}の{jword}値を教えてください", f"{j}で{jword}のものはいくらですか"])  # fmt: skip
    return Asked("extreme", lang, who, text, value)


def split(company: Company, draw: random.Random, who: Who, lang: Lang) -> _Made:
    """A sum for each value of a column."""
    table, column, name, ja_name, where, ja_where, values = draw.choice([
        ("orders", "amount", "order amount", "受注金額", "region", "地域", REGIONS), ("orders", "amount", "order amount", "受注金額", "status", "状態", STATUS),
        ("expenses", "spent", "expense amount", "支出額", "expense type", "費目", EXPENSES), ("tickets", "hours", "handling hours", "対応時間", "severity", "重要度", SEVERITY),
        ("invoices", "billed", "billed amount", "請求金額", "region", "地域", REGIONS),
    ])  # fmt: skip
    if who.regions and table not in {"orders", "invoices"}:
        return None
    key = {"expense type": "kind"}.get(where, where)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for r in company.rows(table, who):
        sums[r[key]] += Decimal(r[column])
    text = draw.choice([f"{name} by {where}", f"What is the total {name} by {where}?", f"Show the {name} for each {where}", f"Break down: {name} per {where}" if False else f"Total {name} per {where}", f"Please list the {name} by {where}"]) if lang == "en" else draw.choice([
        f"{ja_where}別の{ja_name}は？", f"{ja_where}ごとの{ja_name}を教えてください", f"{ja_name}を{ja_where}別に集計して", f"{ja_where}別の{ja_name}の合計", f"{ja_where}ごとに{ja_name}の合計を示してください"])  # fmt: skip
    return Asked("split", lang, who, text, {values[k][0 if lang == "ja" else 1]: v for k, v in sums.items()})


def joined(company: Company, draw: random.Random, who: Who, lang: Lang) -> _Made:
    """A sum where a column of another table has a value."""
    customers = {r["customer_id"]: r for r in company.tables["customers"]}
    products = {r["product_id"]: r for r in company.tables["products"]}
    if draw.random() < 0.5:
        code = draw.choice(list(INDUSTRIES))
        rows = [r for r in company.rows("orders", who) if customers[r["customer_id"]]["industry"] == code]
        ja, en = INDUSTRIES[code]
        text = draw.choice([f"What is the total order amount from {en} customers?", f"Total order amount of customers in {en}", f"How much is the order amount for customers in the {en} industry?", f"Order amount of {en} customers in total", f"Sum of order amount for the {en} industry"]) if lang == "en" else draw.choice([
            f"{ja}の顧客からの受注金額の合計は？", f"{ja}業種の受注金額の合計を教えてください", f"業種が{ja}の顧客の受注金額はいくらですか", f"{ja}の顧客の受注金額合計", f"{ja}の顧客への受注金額の合計を教えて"])  # fmt: skip
    else:
        code = draw.choice(list(CATEGORIES))
        rows = [r for r in company.rows("orders", who) if products[r["product_id"]]["category"] == code]
        ja, en = CATEGORIES[code]
        text = draw.choice([f"What is the total order amount of {en}?", f"Total order amount for products in the category {en}", f"How much order amount came from {en}?", f"Order amount of {en} in total", f"Sum of the order amount for {en}"]) if lang == "en" else draw.choice([
            f"{ja}の受注金額の合計は？", f"カテゴリが{ja}の受注金額の合計を教えてください", f"{ja}の受注金額はいくらですか", f"{ja}の受注金額合計", f"製品カテゴリ{ja}の受注金額の合計を教えて"])  # fmt: skip
    return Asked("joined", lang, who, text, _sum(rows, "amount")) if rows else None


def top(company: Company, draw: random.Random, who: Who, lang: Lang) -> _Made:
    """The first few customers by a sum."""
    names = {r["customer_id"]: r["name"] for r in company.tables["customers"]}
    table, column, name, ja_name = draw.choice(
        [
            ("orders", "amount", "order amount", "受注金額"),
            ("invoices", "billed", "billed amount", "請求金額"),
        ]
    )
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for r in company.rows(table, who):
        sums[names[r["customer_id"]]] += Decimal(r[column])
    n = draw.choice([3, 5])
    order = sorted(sums.items(), key=lambda item: -item[1])[:n]
    if len(order) < n or len({v for _, v in order}) < n:
        return None
    text = draw.choice([f"Top {n} customers by {name}", f"Who are the top {n} customers by {name}?", f"List the top {n} customers by total {name}", f"Show me the {n} largest customers by {name}", f"Which {n} customers have the highest {name}?" if False else f"What are the top {n} customers by {name}?"]) if lang == "en" else draw.choice([
        f"{ja_name}の上位{n}社の顧客は？", f"{ja_name}上位{n}社を顧客別に教えて" if False else f"{ja_name}が多い顧客の上位{n}社を教えてください", f"顧客別の{ja_name}トップ{n}", f"{ja_name}の上位{n}件の顧客を挙げてください", f"顧客ごとの{ja_name}の上位{n}は？"])  # fmt: skip
    return Asked("top", lang, who, text, order)


def which(company: Company, draw: random.Random, who: Who, lang: Lang) -> _Made:
    """Which one has most or least."""
    names = {r["customer_id"]: r["name"] for r in company.tables["customers"]}
    by_customer = draw.random() < 0.6
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for r in company.rows("orders", who):
        label = names[r["customer_id"]] if by_customer else REGIONS[r["region"]][0 if lang == "ja" else 1]
        sums[label] += Decimal(r["amount"])
    if len(sums) < 2:
        return None
    high = draw.random() < 0.6
    label, value = (max if high else min)(sums.items(), key=lambda item: item[1])
    what, jwhat = ("customer", "顧客") if by_customer else ("region", "地域")
    word, jword = ("highest", "最も多い") if high else ("lowest", "最も少ない")
    text = draw.choice([f"Which {what} has the {word} order amount?", f"Which {what} had the {word} total order amount?", f"What {what} has the {word} order amount?", f"The {what} with the {word} order amount?", f"Tell me which {what} has the {word} order amount"]) if lang == "en" else draw.choice([
        f"受注金額が{jword}{jwhat}は？", f"受注金額が{jword}{jwhat}はどこですか", f"{jword}受注金額の{jwhat}はどれですか" if False else f"どの{jwhat}の受注金額が{jword.rstrip('い')}いですか", f"受注金額の合計が{jword}{jwhat}を教えてください", f"{jwhat}の中で受注金額が{jword}のはどこですか"])  # fmt: skip
    return Asked("which", lang, who, text, [(label, value)])


def compared(company: Company, draw: random.Random, who: Who, lang: Lang) -> _Made:
    """Two regions side by side."""
    if who.regions:
        return None
    one, two = draw.sample(list(REGIONS), 2)
    sums = {
        code: _sum([r for r in company.rows("orders", who) if r["region"] == code], "amount")
        for code in (one, two)
    }
    e = [REGIONS[c][1] for c in (one, two)]
    j = [REGIONS[c][0] for c in (one, two)]
    text = draw.choice([f"Compare the order amount of {e[0]} and {e[1]}", f"Compare {e[0]} and {e[1]} by order amount", f"Order amount: {e[0]} versus {e[1]}", f"How does the order amount of {e[0]} compare to {e[1]}?" if False else f"Comparison of order amount in {e[0]} and {e[1]}", f"Order amount in {e[0]} compared with {e[1]}"]) if lang == "en" else draw.choice([
        f"{j[0]}と{j[1]}の受注金額を比較してください", f"{j[0]}と{j[1]}の受注金額を比べて", f"受注金額を{j[0]}と{j[1]}で比較", f"{j[0]}と{j[1]}の受注金額の比較", f"{j[0]}と{j[1]}で受注金額を比較して教えて"])  # fmt: skip
    return Asked(
        "compared", lang, who, text, {REGIONS[c][0 if lang == "ja" else 1]: sums[c] for c in (one, two)}
    )


def trend(company: Company, draw: random.Random, who: Who, lang: Lang) -> _Made:
    """A sum for each month of a year."""
    m = _measure(draw, who)
    year = draw.choice([2024, 2025])
    start, end = date(year, 4, 1), date(year + 1, 4, 1)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for r in _within(company.rows(m.table, who), m.date, start, end):
        day = r[m.date]
        sums[f"{day.year}年{day.month}月" if lang == "ja" else f"{day.year}-{day.month:02d}"] += Decimal(
            r[m.column]
        )
    e, j = m.en[0], draw.choice(m.ja)
    text = draw.choice([f"Monthly {e} in FY{year}", f"{e} by month for FY{year}", f"Show the trend of the {e} in fiscal year {year}", f"How did the {e} develop in FY{year}?", f"Total {e} per month in FY{year}"]) if lang == "en" else draw.choice([
        f"{year}年度の月別{j}", f"{year}年度の{j}の推移を教えてください", f"{year}年度の月ごとの{j}は？", f"{year}年度の{j}を月別に集計して", f"{j}の月次推移（{year}年度）"])  # fmt: skip
    return Asked("trend", lang, who, text, dict(sums)) if sums else None


def lookup(company: Company, draw: random.Random, who: Who, lang: Lang) -> _Made:
    """A cell of one row."""
    case = draw.randrange(4)
    if case == 0:
        row = draw.choice(company.rows("products", who))
        en, ja, expect = "unit price", "単価", Decimal(row["unit_price"])
    elif case == 1 and not who.regions:
        row = draw.choice(company.rows("customers", who))
        en, ja, expect = "credit limit", "与信限度額", Decimal(row["credit_limit"])
    elif case == 2 and not who.regions:
        row = draw.choice(company.rows("customers", who))
        en, ja = "industry", "業種"
        expect = ("label", INDUSTRIES[row["industry"]][0 if lang == "ja" else 1])
    else:
        rows = company.rows("warehouses", who)
        row = draw.choice(rows)
        en, ja, expect = "capacity", "収容力", Decimal(row["capacity"])
    name = row["name"]
    text = draw.choice([f"What is the {en} of {name}?", f"{en.capitalize()} of {name}", f"Tell me the {en} of {name}", f"What's {name}'s {en}?", f"Show the {en} for {name}"]) if lang == "en" else draw.choice([
        f"{name}の{ja}は？", f"{name}の{ja}を教えてください", f"{name}の{ja}はいくらですか" if not isinstance(expect, tuple) else f"{name}の{ja}は何ですか", f"{ja}（{name}）", f"{name}の{ja}を知りたい"])  # fmt: skip
    return Asked("lookup", lang, who, text, expect)


def growth(company: Company, draw: random.Random, who: Who, lang: Lang) -> _Made:
    """The change from one fiscal year to the next, in percent."""
    m = _measure(draw, who)
    rows = company.rows(m.table, who)
    one = _sum(_within(rows, m.date, date(2024, 4, 1), date(2025, 4, 1)), m.column)
    two = _sum(_within(rows, m.date, date(2025, 4, 1), date(2026, 4, 1)), m.column)
    if not one or not two:
        return None
    e, j = m.en[0], m.ja[0]
    text = draw.choice([f"What was the growth of the {e} from FY2024 to FY2025?", f"Year-on-year growth of the {e} in FY2025", f"Growth rate of the {e} in FY2025", f"{e}: growth in FY2025 year over year" if False else f"YoY growth in {e} for FY2025", f"What is the percentage change of the {e} in FY2025?"]) if lang == "en" else draw.choice([
        f"2025年度の{j}の前年度比は？", f"2025年度の{j}の前年比を教えてください", f"2025年度の{j}の伸び率は？", f"{j}の2025年度の前年比", f"2025年度の{j}の増減率を教えて"])  # fmt: skip
    return Asked("growth", lang, who, text, ("last", (two - one) * 100 / one))


def document(company: Company, draw: random.Random, who: Who, lang: Lang) -> _Made:
    """What a document says."""
    asks = {
        "travel-approval": (["When must overnight business trips be approved?", "Who must approve overnight business trips?", "How many working days in advance must business trips be approved?", "overnight business trips approval by the department head", "Do overnight business trips need approval in advance?"], ["宿泊を伴う出張は何営業日前までに承認が必要ですか", "宿泊を伴う出張の承認は誰から受けますか", "出張の承認は何営業日前までですか", "宿泊を伴う出張の承認について", "出張は部長の承認が必要ですか"]),
        "password": (["How long must passwords be?", "How many characters must passwords have?", "minimum characters of passwords", "May passwords be shared by e-mail?", "How many characters long are passwords?"], ["パスワードは何文字以上ですか", "パスワードの文字数は", "パスワードを電子メールで共有してよいですか", "パスワードは何文字必要ですか", "パスワードの共有について"]),
        "warranty": (["How long is the warranty for pumps?", "What does the warranty for pumps cover?", "How many months does the pumps warranty cover?", "warranty for manufacturing defects of pumps", "How many months after delivery is the warranty for pumps?"], ["ポンプの保証期間は何か月ですか", "ポンプの欠陥の保証期間は", "製造上の欠陥に対する保証期間は", "ポンプの保証は納品後いつまでですか", "ポンプの製造上の欠陥の保証"]),
        "remote": (["How many days of remote work are allowed per month?", "Is remote work allowed?", "Who must consent to remote work?", "remote work days per month", "Remote work: how many days per month are allowed?"], ["在宅勤務は月何日まで認められますか", "在宅勤務は誰の同意が必要ですか", "在宅勤務は何日までですか", "在宅勤務の日数", "在宅勤務に上長の同意は必要ですか"]),
        "calibration": (["How often are pressure sensors recalibrated?", "When are pressure sensors recalibrated against the reference gauge?", "pressure sensors recalibrated every how many weeks?", "Against what are pressure sensors recalibrated?", "How many weeks until pressure sensors are recalibrated?"], ["圧力センサーは何週間ごとに校正しますか", "圧力センサーの校正の頻度は", "圧力センサーの再校正は何週間ごと", "圧力センサーは何で再校正しますか", "圧力センサーの校正について"]),
        "backup": (["How long are database backups kept?", "Where are database backups kept?", "How many days are database backups kept?", "database backups retention in days", "In which safe are database backups kept?"], ["データベースのバックアップは何日間保管しますか", "バックアップの保管期間は", "データベースのバックアップはどこに保管しますか", "バックアップは何日間保管", "データベースのバックアップの保管について"]),
    }  # fmt: skip
    topic = draw.choice(list(asks))
    fact = next(
        f for f in company.facts if f["tenant"] == who.tenant and f["topic"] == topic and f["lang"] == lang
    )
    return Asked(
        "document", lang, who, draw.choice(asks[topic][0 if lang == "en" else 1]), ("quote", fact["sentence"])
    )


_MAKERS: tuple[Callable[[Company, random.Random, Who, Lang], _Made], ...] = (
    total, filtered, counted, average, extreme, split, joined, top, which, compared, trend, lookup, growth, document, document, total, counted,
)  # fmt: skip


def no_data(company: Company, draw: random.Random, who: Who, lang: Lang) -> _Made:
    """A time that the data does not cover, or values that never meet."""
    m = _measure(draw, who)
    year = draw.choice([2019, 2021, 2028, 2030])
    text = draw.choice([f"What was the total {m.en[0]} in FY{year}?", f"Total {m.en[0]} in {year}", f"How many orders were there in {year}?", f"Average {m.en[0]} in FY{year}", f"{m.en[0]} by month in FY{year}"]) if lang == "en" else draw.choice([
        f"{year}年度の{m.ja[0]}の合計は？", f"{year}年の{m.ja[0]}はいくらですか", f"{year}年の受注は何件ですか", f"{year}年度の{m.ja[0]}の平均は？", f"{year}年度の月別{m.ja[0]}"])  # fmt: skip
    return Asked("no_data", lang, who, text, ("refusal", "no_data"))


def not_permitted(company: Company, draw: random.Random, who: Who, lang: Lang) -> _Made:
    """A column or region closed to the person."""
    if who.id.endswith("clerk"):
        text = draw.choice(["What is the average annual salary of employees?", "What is the highest annual salary?", "Total budget of departments", "What is the annual salary by department?", "Which department has the highest budget?"]) if lang == "en" else draw.choice([
            "社員の平均年収は？", "年収の最高はいくらですか", "部署の予算の合計は？", "部署別の年収を教えて", "予算が最も多い部署は？"])  # fmt: skip
        return Asked("not_permitted", lang, who, text, ("refusal", "not_permitted"))
    if who.regions:
        ja, en = REGIONS[draw.choice(["KANSAI", "KYUSHU"])]
        text = draw.choice([f"What is the total order amount in {en}?", f"How many orders in {en}?", f"Average order amount in {en}", f"Billed amount in {en}", f"Total order amount for {en} in FY2024"]) if lang == "en" else draw.choice([
            f"{ja}の受注金額の合計は？", f"{ja}の受注は何件ですか", f"{ja}の平均受注金額", f"{ja}の請求金額はいくらですか", f"2024年度の{ja}の受注金額"])  # fmt: skip
        return Asked("not_permitted", lang, who, text, ("refusal", "not_permitted"))
    return None


def not_in_hub(company: Company, draw: random.Random, who: Who, lang: Lang) -> _Made:
    """Things that the company does not keep, and names of other tenants."""
    other = draw.choice([t for t in TENANTS if t != who.tenant])
    firm = draw.choice([r["name"] for r in company.tables["customers"] if r["tenant"] == other])
    if firm in {r["name"] for r in company.tables["customers"] if r["tenant"] == who.tenant}:
        return None
    text = draw.choice([
        f"What is the credit limit of {firm}?", f"Total order amount of {firm}", "What is the churn rate of customers?", "How many bicycles do we own?",
        "What was the carbon footprint in FY2024?", "Which employee has the longest commute?", "What is our share price?", "What is the average shoe size of employees?",
        "What does the dress code say about sandals?", "How much rent do we pay for the headquarters?", "What is the profit margin by region?", "Who won the company golf tournament?",
        "How many orders were late?", "What is the median order amount?", "What did the auditors complain about?",
    ]) if lang == "en" else draw.choice([
        f"{firm}の与信限度額は？", f"{firm}の受注金額の合計", "顧客の解約率は？", "自転車は何台ありますか", "2024年度の二酸化炭素排出量は？", "通勤時間が最も長い社員は誰ですか",
        "当社の株価は？", "社員の平均靴サイズは？", "服装規程でサンダルについてどう定めていますか", "本社の家賃はいくらですか", "地域別の利益率は？", "ゴルフ大会の優勝者は誰ですか",
        "遅延した受注は何件ですか", "受注金額の中央値は？", "監査人の指摘事項は何ですか",
    ])  # fmt: skip
    return Asked("not_in_hub", lang, who, text, ("refusal", "not_in_hub"))


_UNANSWERABLE = (no_data, not_permitted, not_in_hub, not_in_hub)

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def number(shown: str) -> Decimal | None:
    """The number a cell shows, without its unit."""
    found = _NUMBER.search(shown.replace("−", "-"))
    return None if found is None else Decimal(found[0].replace(",", ""))


def score(asked: Asked, found: dict[str, Any]) -> Literal["right", "wrong", "refused", "unbound"]:
    """What an answer is worth."""
    for part in found["parts"]:
        if "text" in part and re.search(r"\d", part["text"]):
            return "unbound"
    if found["kind"] == "refusal":
        return "right" if isinstance(asked.expect, tuple) and asked.expect[0] == "refusal" else "refused"
    cells = [part["shown"] for part in found["parts"] if "cell" in part]
    match asked.expect:
        case ("refusal", _):
            return "wrong"
        case ("quote", sentence):
            return (
                "right"
                if any(sentence in part["shown"] for part in found["parts"] if "quote" in part)
                else "wrong"
            )
        case ("label", label):
            return "right" if cells[:1] == [label] else "wrong"
        case ("about", value):
            got = number(cells[0]) if len(cells) == 1 else None
            return (
                "right"
                if got is not None and abs(got - value) <= abs(value) / 1000 + Decimal("0.01")
                else "wrong"
            )
        case ("last", value):
            got = number(cells[-1]) if cells else None
            return (
                "right"
                if got is not None and abs(got - value) <= Decimal("0.01") and "%" in cells[-1]
                else "wrong"
            )
        case dict():
            pairs = {cells[i]: number(cells[i + 1]) for i in range(0, len(cells) - 1, 2)}
            return "right" if pairs == asked.expect else "wrong"
        case list():
            ranked = [(cells[i], number(cells[i + 1])) for i in range(0, len(cells) - 1, 2)]
            return "right" if ranked == asked.expect else "wrong"
        case _:
            return "right" if len(cells) == 1 and number(cells[0]) == asked.expect else "wrong"
