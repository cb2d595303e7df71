"""The tables of a made-up bilingual group of companies: what stands in its catalogue, before any row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

TODAY = date(2026, 4, 15)
COVERS = (date(2023, 4, 1), date(2026, 3, 31))
Both = tuple[str, str]
"""Japanese, English."""

TENANTS: dict[str, Both] = {
    "kitano": ("北野電機", "Kitano Electric"),
    "minato": ("湊フーズ", "Minato Foods"),
    "sora": ("空物流", "Sora Logistics"),
}
REGIONS: dict[str, Both] = {
    "KANTO": ("関東", "Kanto"),
    "KANSAI": ("関西", "Kansai"),
    "CHUBU": ("中部", "Chubu"),
    "KYUSHU": ("九州", "Kyushu"),
    "TOHOKU": ("東北", "Tohoku"),
}
INDUSTRIES: dict[str, Both] = {
    "AUTO": ("自動車", "automotive"),
    "FOOD": ("食品", "food processing"),
    "CHEM": ("化学", "chemicals"),
    "ELEC": ("電子部品", "electronics"),
    "RETAIL": ("小売", "retail"),
}
CATEGORIES: dict[str, Both] = {
    "PUMP": ("ポンプ", "pumps"),
    "VALVE": ("バルブ", "valves"),
    "SENSOR": ("センサー", "sensors"),
    "FILTER": ("フィルター", "filters"),
    "CABLE": ("ケーブル", "cables"),
}
STATUSES: dict[str, Both] = {
    "OPEN": ("未出荷", "open"),
    "DONE": ("出荷済み", "shipped"),
    "CANC": ("キャンセル", "cancelled"),
}
CHANNELS: dict[str, Both] = {
    "WEB": ("ウェブ", "web"),
    "REP": ("営業担当", "sales rep"),
    "TEL": ("電話", "phone"),
}
COSTS: dict[str, Both] = {
    "TRAVEL": ("出張旅費", "travel"),
    "ADS": ("広告宣伝費", "advertising"),
    "SUPPLY": ("消耗品費", "office supplies"),
    "TRAIN": ("研修費", "training"),
    "COMM": ("通信費", "communications"),
}
GRADES: dict[str, Both] = {
    "G1": ("一般", "staff"),
    "G2": ("主任", "senior staff"),
    "G3": ("課長", "manager"),
    "G4": ("部長", "director"),
}
CARRIERS: dict[str, Both] = {
    "YMT": ("山手運輸", "Yamate Express"),
    "SGW": ("瀬川急便", "Segawa Delivery"),
    "NIT": ("日東通運", "Nitto Freight"),
}
RESULTS: dict[str, Both] = {"OK": ("合格", "passed"), "NG": ("不合格", "failed")}
PRIORITIES: dict[str, Both] = {"H": ("高", "high"), "M": ("中", "medium"), "L": ("低", "low")}


@dataclass(frozen=True, slots=True)
class Col:
    """A column; `values` are its codes, `scale` what a stored number is multiplied by."""

    name: str
    type: str
    ja: str
    en: str
    unit: str | None = None
    scale: str = "1"
    missing: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    values: Mapping[str, Both] = field(default_factory=dict[str, Both])

    def entry(self) -> dict[str, Any]:
        made: dict[str, Any] = {"name": self.name, "type": self.type}
        if self.unit:
            made["unit"] = self.unit
        if self.scale != "1":
            made["scale"] = self.scale
        if self.missing:
            made["missing"] = list(self.missing)
        if self.roles:
            made["roles"] = list(self.roles)
        if self.values:
            made["values"] = {code: {"ja": ja, "en": en} for code, (ja, en) in self.values.items()}
        made["description"] = {"ja": self.ja, "en": self.en}
        return made


@dataclass(frozen=True, slots=True)
class Tab:
    """A table. `dated` is the one column that a period in a question is about."""

    name: str
    file: str
    format: str
    ja: str
    en: str
    key: tuple[str, ...]
    cols: tuple[Col, ...]
    dated: str | None = None
    encoding: str | None = None
    header_row: int = 1
    delimiter: str = ","
    keys: Mapping[str, str] = field(default_factory=dict[str, str])
    duplicates: tuple[str, str | None] | None = None
    tenant: str | None = "tenant"
    region: bool = False

    def col(self, name: str) -> Col:
        return next(col for col in self.cols if col.name == name)

    def entry(self) -> dict[str, Any]:
        made: dict[str, Any] = {"name": self.name, "file": self.file, "format": self.format}
        if self.encoding:
            made["encoding"] = self.encoding
        made["header_row"] = self.header_row
        made["description"] = {"ja": self.ja, "en": self.en}
        made["primary_key"] = list(self.key)
        made["foreign_keys"] = [{"column": c, "references": r} for c, r in self.keys.items()]
        if self.duplicates is not None:
            rule, by = self.duplicates
            made["duplicates"] = {"rule": rule} | ({"by": by} if by else {})
            made["duplicates"] |= (
                {
                    "ja": "同じ番号の行は更新日時が最新のものだけが有効",
                    "en": "of rows with one number the latest counts",
                }
                if rule == "latest"
                else {"ja": "同じ行が重複していることがある", "en": "the same row may stand more than once"}
            )
        made["tenant_column"] = self.tenant
        made["limit_columns"] = {"region": "region"} if self.region else {}
        made["columns"] = [col.entry() for col in self.cols]
        return made


TENANT = Col("tenant", "code", "会社", "company")
REGION = Col("region", "code", "地域", "region", values=REGIONS)

TABLES: tuple[Tab, ...] = (
    Tab(
        "orders", "orders.csv", "csv", "受注", "orders", ("order_id",),
        (
            Col("order_id", "code", "受注番号", "order number"),
            Col("company", "code", "会社", "company"),
            REGION,
            Col("customer_id", "code", "顧客番号", "customer number"),
            Col("product_id", "code", "製品番号", "product number"),
            Col("order_date", "date", "受注日", "order date"),
            Col("quantity", "integer", "受注数量", "order quantity", "個"),
            Col("amount", "integer", "受注金額", "order amount", "JPY", "1000", ("未定",)),
            Col("channel", "code", "受注経路", "sales channel", values=CHANNELS),
            Col("status", "code", "状態", "status", values=STATUSES),
            Col("updated", "timestamp", "更新日時", "last update"),
        ),
        dated="order_date", encoding="shift_jis", header_row=2, duplicates=("latest", "updated"),
        keys={"customer_id": "customers.customer_id", "product_id": "products.product_id"},
        tenant="company", region=True,
    ),
    Tab(
        "customers", "customers.csv", "csv", "顧客", "customers", ("customer_id",),
        (
            Col("customer_id", "code", "顧客番号", "customer number"),
            TENANT,
            Col("name", "text", "顧客名", "customer name in Japanese"),
            Col("name_en", "text", "顧客名（英語）", "customer name"),
            REGION,
            Col("industry", "code", "業種", "industry", values=INDUSTRIES),
            Col("since", "date", "取引開始日", "customer since"),
            Col("credit_limit", "integer", "与信限度額", "credit limit", "JPY", "1000000", (), ("finance",)),
        ),
        dated="since", encoding="utf-8-sig", region=True,
    ),
    Tab(
        "products", "products.csv", "csv", "製品", "products", ("product_id",),
        (
            Col("product_id", "code", "製品番号", "product number"),
            Col("name", "text", "製品名", "product name in Japanese"),
            Col("name_en", "text", "製品名（英語）", "product name"),
            Col("category", "code", "製品分類", "product category", values=CATEGORIES),
            Col("list_price", "integer", "定価", "list price", "JPY"),
            Col("net_weight", "decimal", "正味重量", "net weight", "kg"),
            Col("launched", "date", "発売日", "launch date"),
            Col("unit_cost", "integer", "製造原価", "unit cost", "JPY", "1", (), ("finance",)),
        ),
        dated="launched", encoding="euc-jp", tenant=None,
    ),
    Tab(
        "expenses", "expenses.csv", "csv", "経費", "expenses", ("expense_id",),
        (
            Col("expense_id", "code", "経費番号", "expense number"),
            TENANT,
            REGION,
            Col("department_id", "code", "部門番号", "department number"),
            Col("category", "code", "費目", "expense type", values=COSTS),
            Col("paid_on", "date", "支払日", "payment date"),
            Col("amount", "integer", "経費額", "expense amount", "JPY", "1", ("不明",)),
        ),
        dated="paid_on", duplicates=("identical", None), keys={"department_id": "departments.department_id"},
        region=True,
    ),
    Tab(
        "departments", "departments.csv", "csv", "部門", "departments", ("department_id",),
        (
            Col("department_id", "code", "部門番号", "department number"),
            TENANT,
            Col("name", "text", "部門名", "department name in Japanese"),
            Col("name_en", "text", "部門名（英語）", "department name"),
            Col("planned_staff", "integer", "計画人員", "planned staff", "人"),
        ),
        encoding="shift_jis",
    ),
    Tab(
        "employees", "employees.xlsx", "xlsx", "社員", "employees", ("employee_id",),
        (
            Col("employee_id", "code", "社員番号", "employee number"),
            TENANT,
            REGION,
            Col("department_id", "code", "部門番号", "department number"),
            Col("name", "text", "氏名", "full name in Japanese"),
            Col("name_en", "text", "氏名（英語）", "full name"),
            Col("grade", "code", "役職", "job grade", values=GRADES),
            Col("hired", "date", "入社日", "hire date"),
            Col("salary", "integer", "年収", "annual salary", "JPY", "1000", (), ("hr",)),
        ),
        dated="hired", header_row=3, duplicates=("identical", None),
        keys={"department_id": "departments.department_id"}, region=True,
    ),
    Tab(
        "warehouses", "warehouses.xlsx", "xlsx", "倉庫", "warehouses", ("warehouse_id",),
        (
            Col("warehouse_id", "code", "倉庫番号", "warehouse number"),
            Col("name", "text", "倉庫名", "warehouse name in Japanese"),
            Col("name_en", "text", "倉庫名（英語）", "warehouse name"),
            REGION,
            Col("floor_area", "decimal", "床面積", "floor area", "m2"),
            Col("opened", "date", "開設日", "opening date"),
        ),
        dated="opened", tenant=None, region=True,
    ),
    Tab(
        "shipments", "shipments.parquet", "parquet", "出荷", "shipments", ("shipment_id",),
        (
            Col("shipment_id", "code", "出荷番号", "shipment number"),
            TENANT,
            REGION,
            Col("order_id", "code", "受注番号", "order number"),
            Col("warehouse_id", "code", "倉庫番号", "warehouse number"),
            Col("shipped_on", "date", "出荷日", "shipping date"),
            Col("weight", "decimal", "出荷重量", "shipped weight", "kg", "0.001"),
            Col("freight", "integer", "運賃", "freight cost", "JPY"),
            Col("carrier", "code", "運送会社", "carrier", values=CARRIERS),
        ),
        dated="shipped_on", region=True,
        keys={"order_id": "orders.order_id", "warehouse_id": "warehouses.warehouse_id"},
    ),
    Tab(
        "inventory", "inventory.parquet", "parquet", "在庫", "inventory",
        ("tenant", "warehouse_id", "product_id", "counted_on"),
        (
            TENANT,
            REGION,
            Col("warehouse_id", "code", "倉庫番号", "warehouse number"),
            Col("product_id", "code", "製品番号", "product number"),
            Col("counted_on", "date", "棚卸日", "count date"),
            Col("on_hand", "integer", "在庫数", "stock on hand", "個"),
        ),
        dated="counted_on", region=True,
        keys={"warehouse_id": "warehouses.warehouse_id", "product_id": "products.product_id"},
    ),
    Tab(
        "inspections", "inspections.tsv", "csv", "品質検査", "quality inspections", ("inspection_id",),
        (
            Col("inspection_id", "code", "検査番号", "inspection number"),
            TENANT,
            Col("product_id", "code", "製品番号", "product number"),
            Col("inspected_on", "date", "検査日", "inspection date"),
            Col("lot_size", "integer", "検査数", "inspected units", "個"),
            Col("defects", "integer", "不良数", "defective units", "個", "1", ("N/A", "未集計")),
            Col("result", "code", "判定", "result", values=RESULTS),
        ),
        dated="inspected_on", encoding="euc-jp", delimiter="\t",
        keys={"product_id": "products.product_id"},
    ),
    Tab(
        "tickets", "tickets.csv", "csv", "問い合わせ", "support tickets", ("ticket_id",),
        (
            Col("ticket_id", "code", "問い合わせ番号", "ticket number"),
            TENANT,
            REGION,
            Col("customer_id", "code", "顧客番号", "customer number"),
            Col("opened_at", "timestamp", "受付日時", "opened at"),
            Col("priority", "code", "優先度", "priority", values=PRIORITIES),
            Col("hours", "decimal", "対応時間", "handling time", "時間", "1", ("対応中",)),
        ),
        dated="opened_at", encoding="utf-8-sig", delimiter=";",
        keys={"customer_id": "customers.customer_id"}, region=True,
    ),
    Tab(
        "budgets", "budgets.xlsx", "xlsx", "予算", "budgets", ("department_id", "month"),
        (
            Col("tenant", "code", "会社", "company", roles=("finance",)),
            Col("department_id", "code", "部門番号", "department number", roles=("finance",)),
            Col("month", "date", "予算月", "budget month", roles=("finance",)),
            Col("amount", "decimal", "予算額", "budget amount", "JPY", "1000000", (), ("finance",)),
        ),
        dated="month", keys={"department_id": "departments.department_id"},
    ),
)  # fmt: skip
BY_NAME: dict[str, Tab] = {tab.name: tab for tab in TABLES}

TERMS: list[dict[str, Any]] = [
    {
        "ja": "年度", "en": "fiscal year",
        "definition": {
            "ja": "4月1日から翌年3月31日まで。2024年度は2024年4月1日に始まる。",
            "en": "From 1 April to 31 March of the next year. FY2024 starts on 1 April 2024.",
        },
    },
    {
        "ja": "上期", "en": "first half",
        "definition": {"ja": "年度の4月から9月まで。", "en": "April to September of a fiscal year."},
    },
    {
        "ja": "下期", "en": "second half",
        "definition": {"ja": "年度の10月から翌年3月まで。", "en": "October to March of a fiscal year."},
    },
    {
        "ja": "受注高", "en": "bookings",
        "definition": {"ja": "受注金額の合計。", "en": "The sum of order amounts."},
    },
]  # fmt: skip
