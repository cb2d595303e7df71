"""Questions that must be refused, and with which reasons: no rows, closed, not there, or no question of data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from . import oracle, periods, said, schema, third_periods, third_refused
from .asker import Asker, Expected, Question
from .oracle import Spec
from .schema import BY_NAME

NO_DATA, CLOSED, ABSENT, VAGUE = "no_data", "not_permitted", "not_in_hub", "cannot_plan"

ABSENT_FIGURES: said.Both = (
    ("CO2排出量", "顧客満足度", "株価", "特許件数", "水道使用量", "離職率", "ウェブサイトの訪問者数", "時価総額", "電力消費量", "残業時間"),
    ("CO2 emissions", "net promoter score", "share price", "number of patents", "water consumption", "staff turnover rate",
     "website visitors", "market capitalisation", "electricity use", "overtime hours"),
)  # fmt: skip
ABSENT_TOPICS: said.Both = (
    ("育児休業は何か月取れますか。", "社用車の利用規則を教えてください。", "副業は認められていますか。", "退職金の計算方法は？",
     "社員寮の家賃はいくらですか。", "健康診断はいつですか。", "ペットを会社に連れてきてもよいですか。", "制服の貸与数は何着ですか。"),
    ("How many months of parental leave can I take?", "What are the rules for using company cars?", "Are side jobs allowed?",
     "How is the retirement allowance calculated?", "What is the rent for the company dormitory?", "When is the annual health check?",
     "May I bring a pet to the office?", "How many uniforms are issued to each person?"),
)  # fmt: skip
NEAR_TOPICS: said.Both = (
    ("国内出張の日当はいくらですか。", "大阪での宿泊費の上限はいくらですか。", "パスワードは何日ごとに変更しますか。", "保証期間を延長する費用はいくらですか。",
     "在宅勤務の電気代は誰が払いますか。", "試用期間中の給与はいくらですか。"),
    ("What is the daily allowance for domestic business trips?", "What is the hotel limit in Osaka?", "How often must passwords be changed?",
     "What does an extension of the warranty cost?", "Who pays the electricity bill when working from home?",
     "How much is the salary during probation?"),
)  # fmt: skip
"""Close to what a document says, and yet in none."""
UNKNOWN_VALUES: said.Both = (
    ("北海道の", "沖縄の", "製品分類が歯車の", "ベアリングの", "クレジットカード払いの", "リピーターの", "輸出向けの", "税抜きの", "米ドル建ての", "女性の"),
    ("in Hokkaido", "in Okinawa", "for the gears category", "for bearings", "paid by credit card", "from repeat visitors",
     "for export", "net of tax", "in US dollars", "from women"),
)  # fmt: skip
"""Conditions that no column knows: an answer that leaves them out is a wrong one."""
VAGUE_SAID: said.Both = (
    ("なぜ受注金額が減ったのですか。", "来年度の受注金額を予測してください。", "運賃を下げるにはどうすればよいですか。", "顧客へのお詫びメールを書いてください。",
     "受注金額と気温の相関を教えてください。", "うちの会社は良い会社だと思いますか。", "あれはどうなりましたか。", "経費を減らすべき部門はどこだと思いますか。",
     "今日の天気は？", "前の質問をもう一度お願いします。"),
    ("Why did the order amount fall?", "Forecast the order amount for next fiscal year.", "What should we do to lower freight costs?",
     "Write an apology e-mail to our customers.", "Is there a correlation between order amount and temperature?",
     "Do you think we are a good company?", "What happened with that thing?", "Which department should cut expenses, in your opinion?",
     "What is the weather today?", "Same as before, please."),
)  # fmt: skip
UNKNOWN_NAMES: tuple[schema.Both, ...] = (
    ("アクメ工業", "Acme Robotics"),
    ("ゼニス電子", "Zenith Circuits"),
    ("オリオン食品", "Orion Foodstuffs"),
    ("ユニコーン産業", "Unicorn Holdings"),
    ("バルカン製鉄", "Vulcan Steel"),
)


def _refusal(a: Asker, kind: str, text: str, *reasons: str) -> Question:
    return a.question(kind, text, Expected("refusal", reasons=frozenset(reasons)))


def _own(a: Asker, first: said.Both, third: said.Both) -> said.Both:
    return third if a.words.third else first


def _no_rows(a: Asker) -> Question | None:
    """Codes and periods that exist, and no row in which they meet."""
    made, how = a.measure("sum", "avg", "max")
    where, f = a.condition(made.table)
    period, p = a.period(made.table)
    if not where or oracle.values(a.company, a.person, Spec(made.table, how, made.column, where, period)):
        return None
    text = a.say(a.wording(a.words.said[how]), N=a.noun(made), F=f, P=p)
    return _refusal(a, "no rows", text, NO_DATA)


def _never_sold(a: Asker) -> Question | None:
    """A product of the catalogue that this company has no row of."""
    sold = {row["product_id"] for row in oracle.rows(a.company, a.person, "orders")}
    unsold = [row for row in a.company.tables["products"] if row["product_id"] not in sold]
    if not unsold:
        return None
    row = a.pick(unsold)
    made, how = a.measure("sum", "avg", "max", table="orders")
    f = a.wording(a.words.filters["orders"]["products.name_en"]).replace(
        "{v}", row["name_en" if a.lang else "name"]
    )
    _, p = a.period("orders")
    text = a.say(a.wording(a.words.said[how]), N=a.noun(made), F=f, P=p)
    return _refusal(a, "no rows", text, NO_DATA)


def _outside(a: Asker) -> Question | None:
    """Before or after the time that the data covers."""
    made, how = a.measure("sum", "avg", "max")
    if made.table not in {"orders", "expenses", "shipments", "inspections", "tickets", "budgets"}:
        return None
    period = a.pick(third_periods.outside() if a.words.third else (
        periods.fiscal_year(2019), periods.fiscal_year(2021), periods.year(2020), periods.month(2022, 6),
        periods.quarter(2021, 3), periods.fiscal_year(2030), periods.month(2027, 5), periods.year(2028),
        periods.span(date(2022, 1, 1), date(2022, 6, 30)),
    ))  # fmt: skip
    _, f = a.condition(made.table) if a.rng.random() < 0.4 else ((), "")
    text = a.say(
        a.wording(a.words.said[how]), N=a.noun(made), F=f, P=a.phrase(period.en if a.lang else period.ja)
    )
    return _refusal(a, "outside", text, NO_DATA, ABSENT)


def _closed_column(a: Asker) -> Question | None:
    shut = [m for m in a.words.measures if not oracle.open_to(a.person, m.table, m.column)]
    if not shut:
        return None
    made = a.pick(shut)
    how = a.pick(made.hows)
    _, f = a.condition(made.table)
    if a.rng.random() < 0.3 and a.words.groups[made.table]:
        ja, en, plural = a.one(a.words.groups[made.table][a.pick(list(a.words.groups[made.table]))])
        words = {"N": a.noun(made), "F": "", "P": "", "G": en if a.lang else ja, "Gs": plural}
        text = a.say(a.wording(a.words.said[a.pick(("list", "label"))]), **words)
    else:
        text = a.say(a.wording(a.words.said[how]), N=a.noun(made), F=f, P="")
    whole = all(col.roles for col in BY_NAME[made.table].cols)
    return _refusal(a, "closed table" if whole else "closed column", text, CLOSED)


def _closed_lookup(a: Asker) -> Question | None:
    if "finance" in a.person.roles:
        return None
    seen = oracle.rows(a.company, a.person, "customers")
    if not seen:
        return None
    row = a.pick(seen)
    text = a.say(
        a.wording(a.words.lookups["customers", "credit_limit"]), v=row["name_en" if a.lang else "name"]
    )
    return _refusal(a, "closed column", text, CLOSED)


def _closed_region(a: Asker) -> Question | None:
    """A region that the person's limit leaves out."""
    if a.person.regions is None:
        return None
    made, how = a.measure("sum", "avg", "max")
    if not BY_NAME[made.table].region:
        return None
    region = a.pick([code for code in schema.REGIONS if code not in a.person.regions])
    f = a.wording(a.words.filters[made.table]["region"]).replace("{v}", schema.REGIONS[region][a.lang])
    _, p = a.period(made.table)
    text = a.say(a.wording(a.words.said[how]), N=a.noun(made), F=f, P=p)
    return _refusal(a, "closed region", text, NO_DATA, CLOSED)


def _other_company(a: Asker) -> Question | None:
    """Another company of the group, or one of its customers, by name."""
    other = a.pick([t for t in schema.TENANTS if t != a.person.tenant])
    made, how = a.measure("sum", "avg", table=a.pick(("orders", "expenses", "shipments", "tickets")))
    if made.table in {"orders", "tickets"} and a.rng.random() < 0.5:
        row = a.pick([c for c in a.company.tables["customers"] if c["tenant"] == other])
        f = a.wording(a.words.filters[made.table]["customers.name_en"]).replace(
            "{v}", row["name_en" if a.lang else "name"]
        )
    else:
        name = schema.TENANTS[other][a.lang]
        if a.words.third:
            f = a.wording(third_refused.SISTERS).replace("{v}", name)
        else:
            f = a.pick((f"of {name}", f"at {name}")) if a.lang else f"{name}の"
    _, p = a.period(made.table)
    text = a.say(a.wording(a.words.said[how]), N=a.noun(made), F=f, P=p)
    return _refusal(a, "other company", text, NO_DATA, ABSENT)


def _unknown_name(a: Asker) -> Question | None:
    made, how = a.measure("sum", "avg", table=a.pick(("orders", "tickets")))
    f = a.wording(a.words.filters[made.table]["customers.name_en"]).replace(
        "{v}", (a.one(third_refused.UNKNOWN_NAMES) if a.words.third else a.pick(UNKNOWN_NAMES))[a.lang]
    )
    _, p = a.period(made.table)
    text = a.say(a.wording(a.words.said[how]), N=a.noun(made), F=f, P=p)
    return _refusal(a, "unknown name", text, NO_DATA, ABSENT)


def _unknown_value(a: Asker) -> Question | None:
    made, how = a.measure("sum", "avg", "max", table=a.pick(("orders", "shipments")))
    _, p = a.period(made.table)
    text = a.say(
        a.wording(a.words.said[how]),
        N=a.noun(made),
        F=a.wording(_own(a, UNKNOWN_VALUES, third_refused.UNKNOWN_VALUES)),
        P=p,
    )
    return _refusal(a, "unknown condition", text, NO_DATA, ABSENT, VAGUE)


def _near_topic(a: Asker) -> Question | None:
    text = a.say("{q}", q=a.wording(_own(a, NEAR_TOPICS, third_refused.NEAR_TOPICS)))
    return _refusal(a, "near a document", text, ABSENT, NO_DATA, VAGUE)


def _absent_figure(a: Asker) -> Question | None:
    _, p = a.period("orders")
    how = a.pick(("sum", "avg", "max"))
    _, f = a.condition("customers") if a.rng.random() < 0.3 else ((), "")
    text = a.say(
        a.wording(a.words.said[how]),
        N=a.wording(_own(a, ABSENT_FIGURES, third_refused.ABSENT_FIGURES)),
        F=f,
        P=p,
    )
    return _refusal(a, "not there", text, ABSENT, VAGUE)


def _absent_topic(a: Asker) -> Question | None:
    text = a.say(
        a.wording(a.words.quoted),
        t="社内規程" if a.lang == 0 else "company rules",
        q=a.wording(_own(a, ABSENT_TOPICS, third_refused.ABSENT_TOPICS)),
    )
    return _refusal(a, "no document", text, ABSENT, NO_DATA)


def _closed_document(a: Asker) -> Question | None:
    """A document of the person's own company, or of the group, that needs a role or another region."""
    shut = [
        d
        for d in a.company.documents
        if d.lang == ("ja", "en")[a.lang]
        and d.tenant in {None, a.person.tenant}
        and not oracle.may_read(a.person, d)
    ]
    if not shut:
        return None
    document = a.pick(shut)
    asked = a.asked(document, a.pick(range(len(document.facts))))
    text = a.say(a.wording(a.words.quoted), t=document.title, q=a.wording(asked))
    return _refusal(a, "closed document", text, CLOSED, ABSENT)


def _visitor(a: Asker) -> Question | None:
    """Somebody of no company asks for what every row of belongs to one."""
    a.person = next(person for person in a.company.people if person.tenant is None)
    made, how = a.measure("sum", "avg", "max")
    if BY_NAME[made.table].tenant is None:
        return None
    _, p = a.period(made.table)
    text = a.say(a.wording(a.words.said[how]), N=a.noun(made), F="", P=p)
    return _refusal(a, "of no company", text, ABSENT, NO_DATA, CLOSED)


def _vague(a: Asker) -> Question | None:
    return _refusal(
        a, "no question of data", a.wording(_own(a, VAGUE_SAID, third_refused.VAGUE_SAID)), VAGUE, ABSENT
    )


REFUSED: dict[str, tuple[int, Callable[[Asker], Question | None]]] = {
    "no rows": (12, _no_rows),
    "never sold": (5, _never_sold),
    "outside": (12, _outside),
    "closed column": (14, _closed_column),
    "closed lookup": (3, _closed_lookup),
    "closed region": (10, _closed_region),
    "other company": (12, _other_company),
    "unknown name": (8, _unknown_name),
    "unknown condition": (10, _unknown_value),
    "near a document": (3, _near_topic),
    "not there": (10, _absent_figure),
    "no document": (6, _absent_topic),
    "closed document": (6, _closed_document),
    "visitor": (3, _visitor),
    "vague": (8, _vague),
}
