"""The third set's nouns: figures, rows, conditions, groups and single values, in other words than `said`.

A synonym stands here only where one column can be meant: no `revenue` for orders that may be cancelled, no
`spend` where freight or budgets could be meant too.
"""

from __future__ import annotations

from .said import Both, Measure

MEASURES = (
    Measure("orders", "amount", ("sum",), ("注文総額", "受注の金額", "オーダー金額", "注文金額"), ("order intake", "value of orders received", "sales order value", "value of orders placed")),
    Measure("orders", "amount", ("sum", "avg", "max", "min"), ("注文金額", "オーダー金額", "受注の金額", "注文額"), ("sales order value", "value of sales orders", "order value in yen", "sales order amount")),
    Measure("orders", "quantity", ("sum", "avg", "max"), ("注文数量", "オーダー数量", "受注した個数", "注文個数"), ("quantity ordered", "number of units ordered", "unit quantity on orders", "order volume in units")),
    Measure("products", "list_price", ("avg", "max", "min"), ("カタログ定価", "製品定価", "定価額", "製品の定価"), ("catalogue list price", "product list price", "list price of products", "listed price")),
    Measure("customers", "credit_limit", ("sum", "avg", "max"), ("与信上限", "信用限度額", "与信の限度額", "顧客の与信枠"), ("credit line", "approved customer credit", "credit ceiling", "customer credit line")),
    Measure("expenses", "amount", ("sum",), ("経費支出", "経費支出額", "経費の支払額", "経費の支出"), ("expense spend", "business expense spend", "expense outlay", "expense payments in yen")),
    Measure("expenses", "amount", ("sum", "avg", "max"), ("経費の支払額", "経費の金額", "経費の支出額", "経費金額"), ("expense payment", "expense claim amount", "amount of expenses", "expense item amount")),
    Measure("departments", "planned_staff", ("sum", "avg"), ("計画人数", "人員計画数", "計画上の人員数", "計画している人員"), ("staffing plan", "planned number of staff", "planned departmental headcount", "headcount plan")),
    Measure("employees", "salary", ("avg", "max", "min"), ("年間給与", "年俸", "社員の年収", "年収額"), ("yearly salary", "annual pay", "employee salary", "yearly pay")),
    Measure("employees", "salary", ("sum",), ("年間給与", "社員の年収", "従業員の年収", "社員の年間給与"), ("annual payroll", "annual salary bill", "yearly payroll", "payroll per year")),
    Measure("warehouses", "floor_area", ("sum", "avg", "max"), ("倉庫面積", "倉庫のフロア面積", "倉庫床面積", "物流倉庫の面積"), ("warehouse floor space", "warehouse space", "floor space", "storage floor area")),
    Measure("shipments", "weight", ("sum", "avg", "max"), ("出荷した荷物の重量", "出荷貨物の重さ", "出荷の重量", "発送重量"), ("weight shipped", "weight of shipments", "dispatched weight", "weight of goods shipped")),
    Measure("shipments", "freight", ("sum", "avg", "max", "min"), ("配送費", "輸送費", "出荷運賃", "配送運賃"), ("shipping cost", "transport cost", "freight charge", "haulage cost")),
    Measure("inventory", "on_hand", ("sum",), ("在庫数量", "手持ち在庫数", "在庫量", "在庫個数"), ("inventory on hand", "stock level", "units in stock", "stock quantity")),
    Measure("inspections", "lot_size", ("sum", "avg"), ("検査数量", "検査した個数", "検査個数", "検査した数量"), ("quantity inspected", "number of units inspected", "inspected quantity", "number of pieces checked")),
    Measure("inspections", "defects", ("sum", "avg", "max"), ("不良品の数", "不良個数", "不良品の個数", "検査での不良数"), ("defect count", "number of defective pieces", "number of defects found", "quantity of defective units")),
    Measure("tickets", "hours", ("sum", "avg", "max"), ("問い合わせの対応時間", "サポート対応時間", "問い合わせ対応にかかった時間", "チケット対応時間"), ("ticket handling time", "support handling time", "time spent handling tickets", "handling time for support tickets")),
    Measure("budgets", "amount", ("sum",), ("予算の金額", "予算枠", "部門予算", "予算計上額"), ("budgeted amount", "departmental budget", "budget allocation", "amount budgeted")),
)  # fmt: skip

COUNTED: dict[str, Both] = {
    "orders": (("注文", "オーダー", "受注案件", "受注伝票"), ("sales orders", "customer orders", "orders received", "orders placed")),
    "customers": (("得意先", "お客様", "顧客企業", "取引している顧客"), ("customer accounts", "client companies", "corporate customers", "clients")),
    "products": (("商品", "製品アイテム", "品目", "取扱製品"), ("product lines in the catalogue", "catalogue products", "items in the product list", "listed products")),
    "expenses": (("経費明細", "経費の支払い", "経費伝票", "経費の計上"), ("expense claims", "expense payments", "expense records", "expense items")),
    "employees": (("従業員", "在籍社員", "スタッフ", "在籍者"), ("staff members", "people on staff", "people employed", "workers")),
    "warehouses": (("物流倉庫", "保管倉庫", "物流拠点", "倉庫拠点"), ("warehouse sites", "storage sites", "warehouse locations", "depots")),
    "shipments": (("配送", "発送", "出荷便", "出荷伝票"), ("outbound shipments", "dispatches", "consignments", "shipments sent")),
    "inspections": (("検品", "製品検査", "品質チェック", "検査"), ("QA inspections", "quality checks", "product inspections", "QC inspections")),
    "tickets": (("サポート案件", "問合せ", "問い合わせチケット", "お客様からの問い合わせ"), ("support cases", "customer tickets", "support requests", "customer support tickets")),
}  # fmt: skip
NUMBER_OF: dict[str, Both] = {
    "orders": (("注文件数", "オーダー件数", "受注案件数", "注文の件数"), ("order count", "number of customer orders", "count of sales orders", "number of sales orders")),
    "customers": (("得意先数", "顧客企業数", "得意先の数", "お客様の数"), ("customer count", "number of clients", "client count", "number of customer accounts")),
    "products": (("商品数", "品目数", "取扱製品数", "製品アイテム数"), ("product count", "number of catalogue products", "count of products", "number of listed products")),
    "expenses": (("経費明細の件数", "経費伝票の件数", "経費の計上件数", "経費の支払件数"), ("expense claim count", "number of expense claims", "count of expense items", "number of expense records")),
    "employees": (("従業員数", "人員数", "在籍人数", "スタッフ数"), ("headcount", "number of staff members", "actual headcount", "staff count")),
    "warehouses": (("物流拠点数", "倉庫拠点数", "倉庫の数", "物流倉庫の数"), ("warehouse count", "number of depots", "count of warehouse sites", "number of storage sites")),
    "shipments": (("発送件数", "配送件数", "出荷便数", "出荷伝票数"), ("shipment count", "number of dispatches", "count of consignments", "number of outbound shipments")),
    "inspections": (("検品件数", "検査件数", "製品検査の件数", "検査の実施件数"), ("inspection count", "number of quality checks", "count of QA inspections", "number of product inspections")),
    "tickets": (("サポート案件数", "問合せ件数", "チケット数", "チケット件数"), ("ticket count", "number of support cases", "count of customer tickets", "number of support requests")),
}  # fmt: skip
EDGES: dict[tuple[str, str], Both] = {
    ("orders", "amount"): (("注文金額", "オーダー金額"), ("order value", "sales order amount")),
    ("orders", "quantity"): (("注文数量", "オーダー数量"), ("quantity ordered", "unit quantity")),
    ("expenses", "amount"): (("支払額", "経費金額"), ("claim amount", "amount paid")),
    ("shipments", "weight"): (("出荷の重量", "発送重量"), ("shipping weight", "weight shipped")),
    ("shipments", "freight"): (("配送費", "輸送費"), ("shipping cost", "transport cost")),
    ("tickets", "hours"): (
        ("対応にかかった時間", "サポート対応時間"),
        ("handling time in hours", "time spent handling"),
    ),
}

REGION: Both = (
    ("{v}エリアの", "{v}地区の", "{v}地方の", "地域が{v}の"),
    ("in the {v} area", "across {v}", "within {v}", "for the {v} region"),
)
_DEPARTMENT: Both = (
    ("部門が{v}の", "{v}における", "{v}での", "部署が{v}の"),
    ("at the {v}", "within the {v}", "by the {v}", "under the {v}"),
)
_CUSTOMER: Both = (
    ("得意先{v}の", "顧客が{v}の", "{v}様の", "{v}社の"),
    ("from customer {v}", "for the account {v}", "from our client {v}", "by {v}"),
)
_INDUSTRY: Both = (
    ("{v}関連の顧客の", "{v}業種のお客様の", "顧客の業種が{v}の", "{v}業界のお客様の"),
    ("from {v} customers", "with clients in {v}", "from the {v} sector", "from customers in {v}"),
)
_CATEGORY: Both = (
    ("{v}カテゴリの", "カテゴリーが{v}の", "{v}類の", "製品カテゴリが{v}の"),
    ("in category {v}", "for the {v} product group", "within the {v} range", "under product category {v}"),
)
_PRODUCT: Both = (
    ("製品が{v}の", "商品{v}の", "品名「{v}」の", "「{v}」の"),
    ("for our {v}", "of product {v}", "for the item {v}", "of our {v}"),
)
_WAREHOUSE: Both = (
    ("倉庫が{v}の", "{v}における", "{v}での", "拠点が{v}の"),
    ("out of the {v}", "at the {v}", "via the {v}", "through the {v}"),
)
FILTERS: dict[str, dict[str, Both]] = {
    "orders": {
        "region": REGION,
        "channel": (("{v}チャネルの", "チャネルが{v}の", "{v}からの", "{v}で受けた分の"), ("taken by {v}", "that came in by {v}", "received via {v}", "by {v}")),
        "status": (("ステータスが{v}の", "{v}になっている分の", "{v}ステータスの", "現在{v}の"), ("in status {v}", "currently marked {v}", "having the status {v}", "with order status {v}")),
        "customers.industry": _INDUSTRY,
        "customers.name_en": _CUSTOMER,
        "products.category": _CATEGORY,
        "products.name_en": _PRODUCT,
    },
    "products": {"category": _CATEGORY},
    "customers": {
        "region": REGION,
        "industry": (("{v}業種の", "業界が{v}の", "{v}関連の", "{v}セクターの"), ("from the {v} sector", "doing business in {v}", "in the {v} business", "in {v}")),
    },
    "expenses": {
        "region": REGION,
        "category": (("{v}としての", "費目「{v}」の", "経費区分が{v}の", "{v}に関する"), ("relating to {v}", "booked under {v}", "under expense type {v}", "spent on {v}")),
        "departments.name_en": _DEPARTMENT,
    },
    "employees": {
        "region": REGION,
        "grade": (("{v}職の", "役職{v}の", "職位が{v}の", "{v}クラスの"), ("at {v} level", "at grade {v}", "on the {v} grade", "holding the grade {v}")),
        "departments.name_en": (("部門が{v}の", "{v}所属の", "{v}配属の", "部署が{v}の"), ("at the {v}", "within the {v}", "assigned to the {v}", "belonging to the {v}")),
    },
    "warehouses": {"region": REGION},
    "departments": {},
    "shipments": {
        "region": REGION,
        "carrier": (("{v}便の", "{v}を使った出荷の", "{v}が運んだ分の", "運送業者が{v}の"), ("handled by {v}", "sent with {v}", "using {v}", "through carrier {v}")),
        "warehouses.name_en": _WAREHOUSE,
        "orders.channel": (("{v}チャネルで受注した分の", "受注チャネルが{v}の"), ("for orders that came in by {v}", "on orders received by {v}")),
        "products.category": _CATEGORY,
        "customers.industry": (("{v}業界のお客様への出荷の", "出荷先の業種が{v}の"), ("going to {v} customers", "bound for customers in {v}")),
    },
    "inventory": {
        "region": REGION,
        "warehouses.name_en": (("倉庫が{v}の", "{v}での", "{v}に保管している分の", "{v}内の"), ("at the {v}", "inside the {v}", "held at the {v}", "stored in the {v}")),
        "products.name_en": _PRODUCT,
        "products.category": _CATEGORY,
    },
    "inspections": {
        "result": (("検査結果が{v}の", "{v}判定の", "結果が{v}の", "{v}となった検査の"), ("marked {v}", "where the result was {v}", "rated {v}", "with the outcome {v}")),
        "products.category": _CATEGORY,
        "products.name_en": _PRODUCT,
    },
    "tickets": {
        "region": REGION,
        "priority": (("優先度「{v}」の", "プライオリティが{v}の", "優先順位{v}の", "優先度＝{v}の"), ("of {v} priority", "rated {v} priority", "at {v} priority", "where priority is {v}")),
        "customers.name_en": _CUSTOMER,
        "customers.industry": _INDUSTRY,
    },
    "budgets": {"departments.name_en": _DEPARTMENT},
}  # fmt: skip
NAMED: dict[str, Both] = {
    "region": (("{v}", "{v}エリア"), ("{v}", "the {v} area")),
    "channel": (("{v}経由", "{v}チャネル"), ("the {v} channel", "channel {v}")),
    "orders.channel": (("{v}経由の受注", "{v}チャネルの受注"), ("orders via {v}", "orders by {v}")),
    "status": (("「{v}」の受注", "ステータス「{v}」"), ("{v} orders", "status {v}")),
    "customers.industry": (("{v}業界の顧客", "業種「{v}」の顧客"), ("{v} customers", "the {v} sector")),
    "industry": (("{v}業界", "業種「{v}」"), ("the {v} industry", "the {v} sector")),
    "products.category": (("{v}", "{v}カテゴリ"), ("{v}", "category {v}")),
    "departments.name_en": (("{v}", "{v}"), ("the {v}", "the {v}")),
    "grade": (("役職「{v}」", "{v}職"), ("the {v} grade", "grade {v}")),
    "warehouses.name_en": (("{v}", "{v}"), ("the {v}", "the {v}")),
    "result": (("{v}判定", "判定「{v}」"), ("inspections that {v}", "{v} inspections")),
    "priority": (("優先度「{v}」", "優先度{v}"), ("{v} priority", "{v}-priority tickets")),
}
"""A value as a thing, to compare and to leave out; a path that is not here is named by its bare value."""

_AREA = (("エリア", "area", "areas"), ("地区", "geographic region", "geographic regions"))
_PLACE = (("エリア", "geographic area", "geographic areas"), ("地区", "geographic region", "geographic regions"))  # fmt: skip
_GROUPED_CATEGORY = (("製品カテゴリ", "product group", "product groups"), ("製品カテゴリー", "category of product", "categories of product"))  # fmt: skip
_GROUPED_DEPARTMENT = (("部署", "dept", "depts"), ("部署名", "department", "departments"))
_GROUPED_CUSTOMER = (("得意先", "client", "clients"), ("お客様", "customer account", "customer accounts"))
_GROUPED_INDUSTRY = (("顧客業界", "customer sector", "customer sectors"), ("お客様の業種", "customer industry", "customer industries"))  # fmt: skip
_GROUPED_PRODUCT = (("商品", "item", "items"), ("製品名", "catalogue item", "catalogue items"))
_GROUPED_WAREHOUSE = (("物流倉庫", "warehouse site", "warehouse sites"), ("保管倉庫", "depot", "depots"))
_SECTOR = (("業界", "sector", "sectors"), ("セクター", "industry sector", "industry sectors"))
Triples = tuple[tuple[str, str, str], ...]
GROUPS: dict[str, dict[str, Triples]] = {
    "orders": {
        "region": _AREA,
        "channel": (("受注チャネル", "order channel", "order channels"), ("チャネル", "channel", "channels")),
        "status": (("ステータス", "order status", "order statuses"), ("受注ステータス", "order state", "order states")),
        "customers.industry": _GROUPED_INDUSTRY,
        "customers.name_en": _GROUPED_CUSTOMER,
        "products.category": _GROUPED_CATEGORY,
        "products.name_en": _GROUPED_PRODUCT,
    },
    "products": {"category": _GROUPED_CATEGORY},
    "customers": {"region": _AREA, "industry": _SECTOR},
    "expenses": {
        "region": _AREA,
        "category": (("経費区分", "type of expense", "types of expense"), ("経費の種類", "expense category", "expense categories")),
        "departments.name_en": _GROUPED_DEPARTMENT,
    },
    "employees": {
        "region": _AREA,
        "grade": (("職位", "grade", "grades"), ("役職区分", "job level", "job levels")),
        "departments.name_en": _GROUPED_DEPARTMENT,
    },
    "warehouses": {"region": _PLACE},
    "departments": {"name_en": _GROUPED_DEPARTMENT},
    "shipments": {
        "region": _AREA,
        "carrier": (("運送業者", "shipping company", "shipping companies"), ("配送業者", "haulier", "hauliers")),
        "warehouses.name_en": _GROUPED_WAREHOUSE,
        "products.category": _GROUPED_CATEGORY,
    },
    "inventory": {
        "region": _AREA,
        "warehouses.name_en": _GROUPED_WAREHOUSE,
        "products.name_en": _GROUPED_PRODUCT,
        "products.category": _GROUPED_CATEGORY,
    },
    "inspections": {
        "result": (("検査結果", "inspection result", "inspection results"), ("合否", "outcome", "outcomes")),
        "products.name_en": _GROUPED_PRODUCT,
        "products.category": _GROUPED_CATEGORY,
    },
    "tickets": {
        "region": _AREA,
        "priority": (("優先順位", "priority level", "priority levels"), ("プライオリティ", "ticket priority", "ticket priorities")),
        "customers.name_en": _GROUPED_CUSTOMER,
        "customers.industry": _GROUPED_INDUSTRY,
    },
    "budgets": {"departments.name_en": _GROUPED_DEPARTMENT},
}  # fmt: skip
