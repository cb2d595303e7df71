"""How people say it, in English and Japanese: nouns of figures, conditions, groups, and whole sentences.

Placeholders: N the figure, F its conditions, P the period, G a group, Gs its plural, K a count, A and B two
things compared. In Japanese `{Pの}` is the period with の, or nothing where none is asked about.
"""

from __future__ import annotations

from dataclasses import dataclass

Both = tuple[tuple[str, ...], tuple[str, ...]]
"""Wordings in Japanese, in English."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A column that people ask figures of."""

    table: str
    column: str
    hows: tuple[str, ...]
    ja: tuple[str, ...]
    en: tuple[str, ...]


MEASURES = (
    Measure("orders", "amount", ("sum", "sum", "avg", "max", "min"), ("受注金額", "受注金額", "受注額", "受注高"), ("order amount", "order amount", "order value", "bookings")),
    Measure("orders", "quantity", ("sum", "avg", "max"), ("受注数量", "受注数量", "受注個数"), ("order quantity", "order quantity", "ordered quantity")),
    Measure("products", "list_price", ("avg", "max", "min"), ("定価",), ("list price",)),
    Measure("customers", "credit_limit", ("sum", "avg", "max"), ("与信限度額", "与信枠"), ("credit limit", "customer credit limit")),
    Measure("expenses", "amount", ("sum", "sum", "avg", "max"), ("経費額", "経費", "経費"), ("expense amount", "expenses", "spending")),
    Measure("departments", "planned_staff", ("sum", "avg"), ("計画人員",), ("planned staff", "planned headcount")),
    Measure("employees", "salary", ("avg", "max", "min"), ("年収", "年収", "給与"), ("annual salary", "salary")),
    Measure("warehouses", "floor_area", ("sum", "avg", "max"), ("床面積", "倉庫の床面積"), ("floor area", "warehouse floor area")),
    Measure("shipments", "weight", ("sum", "avg", "max"), ("出荷重量", "出荷した重量"), ("shipped weight", "shipment weight")),
    Measure("shipments", "freight", ("sum", "avg", "max", "min"), ("運賃", "運送費"), ("freight cost", "freight", "freight costs")),
    Measure("inventory", "on_hand", ("sum",), ("在庫数", "在庫"), ("stock on hand", "stock", "inventory")),
    Measure("inspections", "lot_size", ("sum", "avg"), ("検査数",), ("inspected units",)),
    Measure("inspections", "defects", ("sum", "avg", "max"), ("不良数", "不良品数"), ("defective units", "defects")),
    Measure("tickets", "hours", ("sum", "avg", "max"), ("対応時間",), ("handling time",)),
    Measure("budgets", "amount", ("sum", "avg"), ("予算額", "予算"), ("budget amount", "budget")),
)  # fmt: skip

COUNTED: dict[str, tuple[tuple[str, str], str]] = {
    "orders": (("受注", "件"), "orders"),
    "customers": (("顧客", "社"), "customers"),
    "products": (("製品", "種類"), "products"),
    "expenses": (("経費", "件"), "expense entries"),
    "employees": (("社員", "人"), "employees"),
    "warehouses": (("倉庫", "か所"), "warehouses"),
    "shipments": (("出荷", "件"), "shipments"),
    "inspections": (("品質検査", "件"), "quality inspections"),
    "tickets": (("問い合わせ", "件"), "support tickets"),
}

NUMBER_OF = {
    "employees": "社員数",
    "customers": "顧客数",
    "products": "製品数",
    "warehouses": "倉庫数",
    "expenses": "経費の件数",
}
"""How Japanese says the number of rows where it is not 件数."""

EDGES: dict[tuple[str, str], tuple[int, str, str, str, str]] = {
    ("orders", "amount"): (1_000_000, "受注金額", "万円", "an order amount", "yen"),
    ("orders", "quantity"): (10, "受注数量", "個", "an order quantity", "units"),
    ("expenses", "amount"): (10_000, "経費額", "万円", "an expense amount", "yen"),
    ("shipments", "weight"): (50, "出荷重量", "kg", "a shipped weight", "kg"),
    ("shipments", "freight"): (10_000, "運賃", "万円", "a freight cost", "yen"),
    ("tickets", "hours"): (5, "対応時間", "時間", "a handling time", "hours"),
}
"""Figures that rows are asked above or below of: a round step, and the words around it."""
EDGE_SAID: dict[str, Both] = {
    ">": (
        ("{n}が{v}を超える", "{n}が{v}より大きい"),
        ("with {n} over {v}", "with {n} above {v}", "with {n} of more than {v}"),
    ),
    "<": (
        ("{n}が{v}未満の", "{n}が{v}より小さい"),
        ("with {n} under {v}", "with {n} below {v}", "with {n} of less than {v}"),
    ),
}

FILTERS: dict[str, dict[str, Both]] = {
    "orders": {
        "region": (("{v}の", "{v}地域の", "{v}における"), ("in {v}", "in the {v} region", "for {v}")),
        "channel": (("受注経路が{v}の", "{v}経由の"), ("via {v}", "through the {v} channel", "with sales channel {v}")),
        "status": (("状態が{v}の", "{v}の"), ("with status {v}", "for {v} orders", "whose status is {v}")),
        "customers.industry": (("業種が{v}の顧客の", "{v}業界の顧客の"), ("from customers in the {v} industry", "for the {v} industry")),
        "customers.name_en": (("{v}の", "{v}からの", "顧客{v}の"), ("from {v}", "for {v}", "for customer {v}")),
        "products.category": (("製品分類が{v}の", "{v}の"), ("for {v}", "for products in the {v} category", "for product category {v}")),
        "products.name_en": (("{v}の", "製品「{v}」の"), ("for {v}", "for the product {v}")),
    },
    "products": {"category": (("{v}の", "製品分類が{v}の"), ("in the {v} category", "for {v}"))},
    "customers": {
        "region": (("{v}の", "{v}地域の"), ("in {v}", "in the {v} region")),
        "industry": (("業種が{v}の", "{v}業界の"), ("in the {v} industry", "with industry {v}")),
    },
    "expenses": {
        "region": (("{v}の", "{v}地域の"), ("in {v}", "in the {v} region")),
        "category": (("{v}の", "費目が{v}の"), ("for {v}", "with expense type {v}", "on {v}")),
        "departments.name_en": (("{v}の",), ("of the {v}", "for the {v}", "in the {v}")),
    },
    "employees": {
        "region": (("{v}の", "{v}地域の"), ("in {v}", "in the {v} region")),
        "grade": (("役職が{v}の", "{v}の"), ("with job grade {v}", "at job grade {v}")),
        "departments.name_en": (("{v}の", "{v}に所属する"), ("in the {v}", "of the {v}")),
    },
    "warehouses": {"region": (("{v}の", "{v}地域の"), ("in {v}", "in the {v} region"))},
    "departments": {},
    "shipments": {
        "region": (("{v}の", "{v}地域の"), ("in {v}", "in the {v} region")),
        "carrier": (("{v}の", "運送会社が{v}の"), ("by {v}", "with carrier {v}", "carried by {v}")),
        "warehouses.name_en": (("{v}の", "{v}からの"), ("from the {v}", "from {v}")),
        "orders.channel": (("受注経路が{v}の受注の",), ("for orders taken via {v}", "for orders with sales channel {v}")),
        "products.category": (("製品分類が{v}の",), ("for product category {v}", "of {v}")),
        "customers.industry": (("業種が{v}の顧客への",), ("to customers in the {v} industry",)),
    },
    "inventory": {
        "region": (("{v}の", "{v}地域の"), ("in {v}", "in the {v} region")),
        "warehouses.name_en": (("{v}の", "{v}にある"), ("in the {v}", "at {v}")),
        "products.name_en": (("{v}の",), ("of {v}", "for {v}")),
        "products.category": (("{v}の", "製品分類が{v}の"), ("of {v}", "for product category {v}")),
    },
    "inspections": {
        "result": (("判定が{v}の", "{v}の"), ("with result {v}", "that {v}")),
        "products.category": (("{v}の", "製品分類が{v}の"), ("for {v}", "in the {v} category")),
        "products.name_en": (("{v}の",), ("for {v}", "of {v}")),
    },
    "tickets": {
        "region": (("{v}の", "{v}地域の"), ("in {v}", "from the {v} region")),
        "priority": (("優先度が{v}の", "優先度{v}の"), ("with {v} priority", "with priority {v}")),
        "customers.name_en": (("{v}の", "{v}からの"), ("from {v}", "of customer {v}")),
        "customers.industry": (("業種が{v}の顧客の",), ("from customers in the {v} industry",)),
    },
    "budgets": {"departments.name_en": (("{v}の",), ("of the {v}", "for the {v}"))},
}  # fmt: skip

GROUPS: dict[str, dict[str, tuple[str, str, str]]] = {
    "orders": {
        "region": ("地域", "region", "regions"),
        "channel": ("受注経路", "sales channel", "sales channels"),
        "status": ("状態", "status", "statuses"),
        "customers.industry": ("業種", "industry", "industries"),
        "customers.name_en": ("顧客", "customer", "customers"),
        "products.category": ("製品分類", "product category", "product categories"),
        "products.name_en": ("製品", "product", "products"),
    },
    "products": {"category": ("製品分類", "product category", "product categories")},
    "customers": {"region": ("地域", "region", "regions"), "industry": ("業種", "industry", "industries")},
    "expenses": {
        "region": ("地域", "region", "regions"),
        "category": ("費目", "expense type", "expense types"),
        "departments.name_en": ("部門", "department", "departments"),
    },
    "employees": {
        "region": ("地域", "region", "regions"),
        "grade": ("役職", "job grade", "job grades"),
        "departments.name_en": ("部門", "department", "departments"),
    },
    "warehouses": {"region": ("地域", "region", "regions")},
    "departments": {"name_en": ("部門", "department", "departments")},
    "shipments": {
        "region": ("地域", "region", "regions"),
        "carrier": ("運送会社", "carrier", "carriers"),
        "warehouses.name_en": ("倉庫", "warehouse", "warehouses"),
        "products.category": ("製品分類", "product category", "product categories"),
    },
    "inventory": {
        "region": ("地域", "region", "regions"),
        "warehouses.name_en": ("倉庫", "warehouse", "warehouses"),
        "products.name_en": ("製品", "product", "products"),
        "products.category": ("製品分類", "product category", "product categories"),
    },
    "inspections": {
        "result": ("判定", "result", "results"),
        "products.name_en": ("製品", "product", "products"),
        "products.category": ("製品分類", "product category", "product categories"),
    },
    "tickets": {
        "region": ("地域", "region", "regions"),
        "priority": ("優先度", "priority", "priorities"),
        "customers.name_en": ("顧客", "customer", "customers"),
        "customers.industry": ("業種", "industry", "industries"),
    },
    "budgets": {"departments.name_en": ("部門", "department", "departments")},
}
GRAIN_WORDS: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "month": (("月", "月次"), ("month", "monthly")),
    "quarter": (("四半期", "四半期"), ("quarter", "quarterly")),
    "fiscal_year": (("年度", "年度"), ("fiscal year", "fiscal-year")),
}

SAID: dict[str, Both] = {
    "sum": (
        ("{Pの}{F}{N}の合計はいくらですか。", "{Pの}{F}{N}合計を教えてください。", "{F}{N}は{Pに}合計でいくらでしたか？",
         "{Pの}{F}{N}を合計してください。", "{Pの}{F}{N}は全部でどれくらい？", "{F}{N}の総計（{P}）を知りたい"),
        ("What was the total {N} {F} {P}?", "How much {N} did we have {F} {P}?", "Total {N} {F} {P}, please.",
         "Please give me the sum of the {N} {F} {P}.", "I need the overall {N} {F} {P}.", "{P}, what did the {N} {F} add up to?",
         "what's our {N} {F} {P} in total"),
    ),
    "avg": (
        ("{Pの}{F}{N}の平均はいくらですか。", "{Pの}{F}平均{N}を教えてください。", "{F}{N}は{Pに}平均でどれくらいでしたか？",
         "{Pの}{F}{N}の平均値は？", "{F}{N}を平均すると{Pで}いくらになりますか"),
        ("What is the average {N} {F} {P}?", "On average, what was the {N} {F} {P}?", "Average {N} {F} {P}, please.",
         "Tell me the mean {N} {F} {P}.", "How high was the {N} {F} {P} on average?"),
    ),
    "max": (
        ("{Pの}{F}{N}の最大はいくらですか。", "{Pの}{F}{N}の最大値を教えてください。", "{Pで}最も大きい{F}{N}はいくらでしたか？",
         "{Pの}{F}{N}の最高値は？", "{F}{N}は{Pに}最大でどれくらいでしたか"),
        ("What was the highest {N} {F} {P}?", "What is the maximum {N} {F} {P}?", "How large was the largest {N} {F} {P}?",
         "Tell me the biggest single {N} {F} {P}.", "Max {N} {F} {P}?"),
    ),
    "min": (
        ("{Pの}{F}{N}の最小はいくらですか。", "{Pの}{F}{N}の最小値を教えてください。", "{Pで}最も小さい{F}{N}はいくらでしたか？",
         "{Pの}{F}{N}の最低値は？", "{F}{N}は{Pに}最低でどれくらいでしたか"),
        ("What was the lowest {N} {F} {P}?", "What is the minimum {N} {F} {P}?", "How small was the smallest {N} {F} {P}?",
         "Tell me the lowest single {N} {F} {P}.", "Min {N} {F} {P}?"),
    ),
    "count": (
        ("{Pの}{F}{N}は何{C}ですか。", "{Pの}{F}{N}の数を教えてください。", "{Pに}{F}{N}は何{C}ありましたか？", "{Pの}{F}{N}の件数は？",
         "{F}{N}が{Pに}何{C}あるか数えてください。"),
        ("How many {N} {F} were there {P}?", "What is the number of {N} {F} {P}?", "Count the {N} {F} {P}.",
         "Can you tell me how many {N} {F} we had {P}?", "Number of {N} {F} {P}?"),
    ),
    "list": (
        ("{Pの}{F}{N}を{G}別に教えてください。", "{G}別の{F}{N}は{Pで}どうなっていますか。", "{Pの}{G}ごとの{F}{N}は？",
         "{Pの}{F}{N}の{G}別内訳を見せて", "{Pの}{F}{N}を{G}ごとに集計してください。"),
        ("Show the {N} {F} by {G} {P}.", "Break down the {N} {F} by {G} {P}.", "What is the {N} per {G} {F} {P}?",
         "{N} by {G} {F} {P}", "Give me the {N} for each {G} {F} {P}.", "How is the {N} {F} split across {Gs} {P}?"),
    ),
    "top": (
        ("{Pの}{F}{N}の上位{K}つの{G}は？", "{Pに}{F}{N}が多い{G}を{K}つ挙げてください。", "{Pの}{F}{N}トップ{K}の{G}を教えて",
         "{Pの}{F}{N}が大きい順に{G}を{K}つ並べてください。", "{G}別{F}{N}ランキングの上位{K}位まで（{P}）"),
        ("Top {K} {Gs} by {N} {F} {P}", "Which {K} {Gs} had the highest {N} {F} {P}?", "List the {K} {Gs} with the largest {N} {F} {P}.",
         "What are our top {K} {Gs} in terms of {N} {F} {P}?", "Rank the {K} strongest {Gs} by {N} {F} {P}."),
    ),
    "bottom": (
        ("{Pの}{F}{N}の下位{K}つの{G}は？", "{Pに}{F}{N}が少ない{G}を{K}つ挙げてください。", "{Pの}{F}{N}ワースト{K}の{G}を教えて",
         "{Pの}{F}{N}が小さい順に{G}を{K}つ並べてください。", "{F}{N}が最も少ない{K}つの{G}（{P}）"),
        ("Bottom {K} {Gs} by {N} {F} {P}", "Which {K} {Gs} had the lowest {N} {F} {P}?", "List the {K} {Gs} with the smallest {N} {F} {P}.",
         "What are the {K} weakest {Gs} in terms of {N} {F} {P}?", "The {K} {Gs} with the least {N} {F} {P}?"),
    ),
    "label": (
        ("{Pの}{F}{N}が最も多い{G}はどれですか。", "{Pに}{F}{N}が一番大きかった{G}は？", "{Pの}{F}{N}が最大の{G}を教えてください。",
         "どの{G}の{F}{N}が{Pに}最も高かったですか。", "{F}{N}が一番多い{G}はどこ？（{P}）"),
        ("Which {G} had the highest {N} {F} {P}?", "What {G} has the most {N} {F} {P}?", "Name the {G} with the largest {N} {F} {P}.",
         "{P}, which {G} was number one in {N} {F}?", "Who or what leads in {N} {F} by {G} {P}?"),
    ),
    "least": (
        ("{Pの}{F}{N}が最も少ない{G}はどれですか。", "{Pに}{F}{N}が一番小さかった{G}は？", "{Pの}{F}{N}が最小の{G}を教えてください。",
         "どの{G}の{F}{N}が{Pに}最も低かったですか。", "{F}{N}が一番少ない{G}はどこ？（{P}）"),
        ("Which {G} had the lowest {N} {F} {P}?", "What {G} has the least {N} {F} {P}?", "Name the {G} with the smallest {N} {F} {P}.",
         "{P}, which {G} came last in {N} {F}?", "In which {G} was the {N} {F} lowest {P}?"),
    ),
    "compare": (
        ("{Pの}{A}と{B}の{N}を比較してください。", "{A}と{B}では{Pの}{N}はどちらが多いですか。", "{Pの}{N}は{A}と{B}でそれぞれいくらですか。",
         "{A}対{B}：{Pの}{N}", "{Pの}{N}、{A}と{B}の違いは？"),
        ("Compare the {N} of {A} and {B} {P}.", "How does the {N} of {A} compare with {B} {P}?", "{N} {P}: {A} vs {B}",
         "{A} or {B}: which had the higher {N} {P}?", "What was the {N} for {A} and for {B} {P}?"),
    ),
    "periods": (
        ("{F}{N}を{A}と{B}で比較してください。", "{A}と{B}の{F}{N}はそれぞれいくらですか。", "{F}{N}は{A}と{B}でどちらが多いですか。",
         "{F}{N}：{A}対{B}", "{A}と比べて{B}の{F}{N}はどうですか。"),
        ("Compare the {N} {F} in {A} with {B}.", "How does the {N} {F} in {A} compare to {B}?", "{N} {F}: {A} versus {B}",
         "What was the {N} {F} in {A} and in {B}?", "Was the {N} {F} higher in {A} or in {B}?"),
    ),
    "change": (
        ("{F}{N}は{A}から{B}にかけて何％変化しましたか。", "{A}から{B}への{F}{N}の増減率は？", "{F}{N}は{A}に比べて{B}でどれだけ増えましたか、または減りましたか。",
         "{B}の{F}{N}の{A}比伸び率を教えてください。", "{A}と{B}の{F}{N}の差はいくらですか。"),
        ("By how many percent did the {N} {F} change from {A} to {B}?", "How much did the {N} {F} grow or shrink between {A} and {B}?",
         "What is the growth rate of the {N} {F} from {A} to {B}?", "Percentage change in {N} {F}, {A} to {B}?",
         "What is the difference in {N} {F} between {A} and {B}?"),
    ),
    "trend": (
        ("{Pの}{F}{N}の{M}推移を教えてください。", "{Pの}{F}{N}を{G}ごとに見せてください。", "{F}{N}は{Pに}{G}ごとにどう推移しましたか。",
         "{Pの}{G}別{F}{N}", "{F}{N}の{M}トレンド（{P}）"),
        ("Show the {M} trend of the {N} {F} {P}.", "How did the {N} {F} develop by {G} {P}?", "{M} {N} {F} {P}",
         "Give me the {N} {F} per {G} {P}.", "Trend of the {N} {F} {P}, {M}"),
    ),
}  # fmt: skip
QUOTED: Both = (
    (
        "{q}",
        "{q}",
        "「{t}」によると、{q}",
        "社内文書で確認したいのですが、{q}",
        "{q}該当箇所を引用してください。",
    ),
    (
        "{q}",
        "{q}",
        "According to the {t}: {q}",
        "Please quote our documents: {q}",
        "{q} Please show the source.",
    ),
)

LOOKUPS: dict[tuple[str, str], Both] = {
    ("products", "list_price"): (("{v}の定価はいくらですか。", "{v}の定価を教えて"), ("What is the list price of the {v}?", "How much is the list price of {v}?")),
    ("products", "net_weight"): (("{v}の正味重量は？", "{v}の正味重量を教えてください。"), ("What is the net weight of the {v}?", "Net weight of {v}?")),
    ("products", "category"): (("{v}の製品分類は何ですか。",), ("Which product category does the {v} belong to?", "What is the product category of {v}?")),
    ("products", "launched"): (("{v}の発売日はいつですか。", "{v}はいつ発売されましたか。"), ("When was the {v} launched?", "What is the launch date of {v}?")),
    ("customers", "industry"): (("{v}の業種は何ですか。", "{v}はどの業種ですか。"), ("Which industry is {v} in?", "What is the industry of {v}?")),
    ("customers", "region"): (("{v}はどの地域の顧客ですか。",), ("Which region is {v} in?", "What region does the customer {v} belong to?")),
    ("customers", "since"): (("{v}の取引開始日はいつですか。", "{v}とはいつから取引していますか。"), ("Since when has {v} been a customer?", "What is the customer since date of {v}?")),
    ("customers", "credit_limit"): (("{v}の与信限度額はいくらですか。",), ("What is the credit limit of {v}?", "How high is the credit limit for {v}?")),
    ("warehouses", "floor_area"): (("{v}の床面積は？", "{v}の広さ（床面積）を教えてください。"), ("What is the floor area of the {v}?", "How large is the floor area of {v}?")),
    ("warehouses", "opened"): (("{v}の開設日はいつですか。", "{v}はいつ開設されましたか。"), ("When was the {v} opened?", "What is the opening date of the {v}?")),
    ("employees", "hired"): (("{v}さんの入社日はいつですか。", "{v}はいつ入社しましたか。"), ("When was {v} hired?", "What is the hire date of {v}?")),
    ("employees", "grade"): (("{v}さんの役職は何ですか。",), ("What is the job grade of {v}?", "Which job grade does {v} have?")),
    ("departments", "planned_staff"): (("{v}の計画人員は何人ですか。",), ("What is the planned staff of the {v}?", "How many planned staff does the {v} have?")),
}  # fmt: skip
