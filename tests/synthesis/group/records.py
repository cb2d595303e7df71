"""A made-up group of three companies: true records in memory, and the same as an untidy folder of files.

    company = make(seed)      # the truth: every value exact and in its unit
    write(company, folder)    # catalog.yaml, 12 tables in mixed formats and spellings, 60 documents

The same seed gives the same bytes. The records are what the oracle counts; it never reads the files.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from . import documents, schema
from .files import write_docx, write_table

Record = dict[str, Any]
FIRST, LAST = schema.COVERS


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks."""

    id: str
    tenant: str | None
    roles: frozenset[str] = frozenset()
    regions: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Company:
    """The truth of one seed. `tables` hold what counts; `extra` the rows that a table's rule takes out."""

    seed: int
    tables: dict[str, list[Record]]
    extra: dict[str, list[Record]]
    people: tuple[Person, ...]
    documents: tuple[documents.Made, ...]


def make(seed: int) -> Company:
    """The whole group of this seed."""
    maker = _Maker(random.Random(f"company-{seed}"))
    maker.fill()
    made = documents.make(random.Random(f"documents-{seed}"))
    return Company(seed, maker.tables, maker.extra, _people(), made)


def _people() -> tuple[Person, ...]:
    every: list[Person] = [Person("visitor", None)]
    for tenant in schema.TENANTS:
        every += [
            Person(f"{tenant}-head", tenant, frozenset({"sales", "finance", "hr"})),
            Person(f"{tenant}-clerk", tenant, frozenset({"sales"})),
            Person(f"{tenant}-east", tenant, frozenset({"sales"}), frozenset({"KANTO"})),
            Person(f"{tenant}-west", tenant, frozenset({"finance"}), frozenset({"KANSAI", "CHUBU"})),
        ]
    return tuple(every)


def write(company: Company, folder: Path) -> None:
    """Write the folder as a company would have it."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(f"files-{company.seed}")
    for tab in schema.TABLES:
        rows = [*company.tables[tab.name], *company.extra[tab.name]]
        rng.shuffle(rows)
        write_table(tab, rows, folder / tab.file, rng)
    for made in company.documents:
        path = folder / made.file
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".docx":
            write_docx(path, made.blocks)
        else:
            path.write_text(made.text(), encoding="utf-8")
    catalog = {
        "today": schema.TODAY.isoformat(),
        "covers": {"from": FIRST.isoformat(), "to": LAST.isoformat()},
        "tenants": [{"id": k, "name": {"ja": ja, "en": en}} for k, (ja, en) in schema.TENANTS.items()],
        "terms": schema.TERMS,
        "people": [_person(person) for person in company.people],
        "tables": [tab.entry() for tab in schema.TABLES],
        "documents": [made.entry() for made in company.documents],
    }
    text = yaml.safe_dump(catalog, allow_unicode=True, sort_keys=False, width=1000)
    (folder / "catalog.yaml").write_text(text, encoding="utf-8")


def _person(person: Person) -> dict[str, Any]:
    limits = {} if person.regions is None else {"region": sorted(person.regions)}
    return {"id": person.id, "tenant": person.tenant, "roles": sorted(person.roles), "limits": limits}


SYLLABLES = ["サク", "アオ", "ミド", "タカ", "ヒノ", "ツバ", "カエ", "モミ", "シラ", "クロ", "ナギ", "ホシ"]
ROMAN = ["Saku", "Ao", "Mido", "Taka", "Hino", "Tsuba", "Kae", "Momi", "Shira", "Kuro", "Nagi", "Hoshi"]
ENDINGS = [("ラ", "ra"), ("リ", "ri"), ("ノ", "no"), ("デ", "de"), ("メ", "me")]
KINDS = [
    ("精機", "Precision"),
    ("商店", "Trading"),
    ("化成", "Chemical"),
    ("製作所", "Works"),
    ("産業", "Industries"),
]
SERIES = [
    ("アルタ", "Alta"),
    ("ベルノ", "Berno"),
    ("クレア", "Crea"),
    ("ドルチェ", "Dolce"),
    ("エルマ", "Elma"),
    ("フィオナ", "Fiona"),
]
ITEMS = {
    "PUMP": ("ポンプ", "Pump"),
    "VALVE": ("バルブ", "Valve"),
    "SENSOR": ("センサー", "Sensor"),
    "FILTER": ("フィルター", "Filter"),
    "CABLE": ("ケーブル", "Cable"),
}
DEPARTMENTS = [
    ("営業部", "Sales Department"),
    ("製造部", "Production Department"),
    ("総務部", "General Affairs Department"),
    ("開発部", "Development Department"),
    ("品質保証部", "Quality Assurance Department"),
]
FAMILY = [
    ("佐藤", "Sato"), ("鈴木", "Suzuki"), ("高橋", "Takahashi"), ("田中", "Tanaka"), ("伊藤", "Ito"),
    ("渡辺", "Watanabe"), ("山本", "Yamamoto"), ("中村", "Nakamura"), ("小林", "Kobayashi"), ("加藤", "Kato"),
]  # fmt: skip
GIVEN = [
    ("陽菜", "Hina"), ("蓮", "Ren"), ("結衣", "Yui"), ("大翔", "Hiroto"), ("美咲", "Misaki"),
    ("健太", "Kenta"), ("直子", "Naoko"), ("誠", "Makoto"), ("香織", "Kaori"), ("翔", "Sho"),
]  # fmt: skip


class _Maker:
    """Fills the tables in an order in which keys exist before they are referred to."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.tables: dict[str, list[Record]] = {tab.name: [] for tab in schema.TABLES}
        self.extra: dict[str, list[Record]] = {tab.name: [] for tab in schema.TABLES}

    def fill(self) -> None:
        self._shared()
        names = [(a + b, x + y) for a, x in zip(SYLLABLES, ROMAN, strict=True) for b, y in ENDINGS]
        self.rng.shuffle(names)
        people = [(f"{a} {b}", f"{y} {x}") for a, x in FAMILY for b, y in GIVEN]
        self.rng.shuffle(people)
        for number, tenant in enumerate(schema.TENANTS):
            self._tenant(
                tenant, names[number * 18 : number * 18 + 18], people[number * 30 : number * 30 + 30]
            )
        self._copies()

    def day(self, first: date = FIRST, last: date = LAST) -> date:
        return first + timedelta(days=self.rng.randrange((last - first).days + 1))

    def pick(self, values: Any) -> Any:
        return self.rng.choice(list(values))

    def _add(self, table: str, count: int, one: Callable[[int], Record]) -> list[Record]:
        made = [one(len(self.tables[table]) + n + 1) for n in range(count)]
        self.tables[table] += made
        return made

    def _shared(self) -> None:
        names = [(c, s) for c in schema.CATEGORIES for s in self.rng.sample(SERIES, 4)]

        def product(n: int) -> Record:
            category, (ja, en) = names[n - 1]
            price = self.rng.randrange(20, 900) * 100
            return {
                "product_id": f"P{n:03}", "name": f"{ja}{ITEMS[category][0]}", "name_en": f"{en} {ITEMS[category][1]}",
                "category": category, "list_price": price,
                "net_weight": Decimal(self.rng.randrange(5, 4000)) / 100,
                "launched": self.day(date(2015, 1, 1), date(2022, 12, 31)),
                "unit_cost": price * self.rng.randrange(40, 75) // 100,
            }  # fmt: skip

        def warehouse(n: int) -> Record:
            region = list(schema.REGIONS)[(n - 1) // 2]
            ja, en = schema.REGIONS[region]
            side = [("第一", "First"), ("第二", "Second")][n % 2 - 1]
            return {
                "warehouse_id": f"W{n:02}", "name": f"{ja}{side[0]}倉庫", "name_en": f"{en} {side[1]} Warehouse",
                "region": region, "floor_area": Decimal(self.rng.randrange(8000, 90000)) / 10,
                "opened": self.day(date(2005, 1, 1), date(2022, 12, 31)),
            }  # fmt: skip

        self._add("products", len(names), product)
        self._add("warehouses", 2 * len(schema.REGIONS), warehouse)

    def _tenant(self, tenant: str, names: list[schema.Both], people: list[schema.Both]) -> None:
        def department(n: int) -> Record:
            ja, en = DEPARTMENTS[(n - 1) % len(DEPARTMENTS)]
            staff = self.rng.randrange(5, 60)
            return {
                "department_id": f"D{n:02}", "tenant": tenant, "name": ja, "name_en": en, "planned_staff": staff
            }  # fmt: skip

        def customer(n: int) -> Record:
            (ja, en), kind = names[(n - 1) % len(names)], KINDS[n % len(KINDS)]
            return {
                "customer_id": f"C{n:03}", "tenant": tenant, "name": ja + kind[0], "name_en": f"{en} {kind[1]}",
                "region": list(schema.REGIONS)[n % len(schema.REGIONS)], "industry": self.pick(schema.INDUSTRIES),
                "since": self.day(date(2010, 1, 1), date(2023, 3, 31)),
                "credit_limit": self.rng.randrange(5, 300) * 1_000_000,
            }  # fmt: skip

        departments = self._add("departments", len(DEPARTMENTS), department)
        customers = self._add("customers", len(names), customer)
        self._staff(tenant, departments, people)
        self._sales(tenant, customers)
        self._spending(tenant, departments)
        self._stock(tenant)
        self._support(tenant, customers)

    def _staff(self, tenant: str, departments: list[Record], people: list[schema.Both]) -> None:
        def employee(n: int) -> Record:
            ja, en = people[(n - 1) % len(people)]
            grade = self.pick(["G1", "G1", "G2", "G3", "G4"])
            return {
                "employee_id": f"E{n:04}", "tenant": tenant, "region": self.pick(schema.REGIONS),
                "department_id": self.pick(departments)["department_id"], "name": ja, "name_en": en,
                "grade": grade, "hired": self.day(date(2001, 4, 1)),
                "salary": (int(grade[1]) * 2_300 + self.rng.randrange(1000, 3000)) * 1000,
            }  # fmt: skip

        self._add("employees", len(people), employee)

    def _sales(self, tenant: str, customers: list[Record]) -> None:
        products = self.tables["products"]
        sold = self.rng.sample(products, 14)

        def order(n: int) -> Record:
            customer, product = self.pick(customers), self.pick(sold)
            day, quantity = self.day(), self.rng.randrange(1, 200)
            amount = round(quantity * product["list_price"], -3) + self.rng.randrange(1, 500) * 1000
            return {
                "order_id": f"O{n:05}", "company": tenant, "region": customer["region"],
                "customer_id": customer["customer_id"], "product_id": product["product_id"],
                "order_date": day, "quantity": quantity,
                "amount": None if self.rng.random() < 0.02 else amount,
                "channel": self.pick(schema.CHANNELS),
                "status": self.pick(["DONE"] * 7 + ["OPEN"] * 2 + ["CANC"]),
                "updated": self._at(day + timedelta(days=self.rng.randrange(1, 20))),
            }  # fmt: skip

        orders = self._add("orders", 700, order)
        self._ship(tenant, [row for row in orders if row["status"] == "DONE"])

    def _at(self, day: date) -> datetime:
        hour, minute = self.rng.randrange(8, 20), self.rng.randrange(60)
        return datetime.combine(day, time(hour, minute))

    def _ship(self, tenant: str, orders: list[Record]) -> None:
        def shipment(n: int) -> Record:
            order = self.pick(orders)
            near = [w for w in self.tables["warehouses"] if w["region"] == order["region"]]
            return {
                "shipment_id": f"S{n:05}", "tenant": tenant, "region": order["region"],
                "order_id": order["order_id"], "warehouse_id": self.pick(near)["warehouse_id"],
                "shipped_on": min(order["order_date"] + timedelta(days=self.rng.randrange(1, 15)), LAST),
                "weight": Decimal(self.rng.randrange(500, 900_000)) / 1000,
                "freight": self.rng.randrange(15, 900) * 100, "carrier": self.pick(schema.CARRIERS),
            }  # fmt: skip

        self._add("shipments", 420, shipment)

    def _spending(self, tenant: str, departments: list[Record]) -> None:
        def expense(n: int) -> Record:
            return {
                "expense_id": f"X{n:05}", "tenant": tenant, "region": self.pick(schema.REGIONS),
                "department_id": self.pick(departments)["department_id"], "category": self.pick(schema.COSTS),
                "paid_on": self.day(),
                "amount": None if self.rng.random() < 0.02 else self.rng.randrange(800, 400_000),
            }  # fmt: skip

        self._add("expenses", 500, expense)
        months = [date(y, m, 1) for y in range(2023, 2027) for m in range(1, 13)]
        months = [month for month in months if FIRST <= month <= LAST]
        pairs = [(d["department_id"], month) for d in departments for month in months]
        start = len(self.tables["budgets"])

        def budget(n: int) -> Record:
            department, month = pairs[n - 1 - start]
            amount = Decimal(self.rng.randrange(5, 400)) * 100_000
            return {"tenant": tenant, "department_id": department, "month": month, "amount": amount}

        self._add("budgets", len(pairs), budget)

    def _stock(self, tenant: str) -> None:
        ends = [
            date(y, m, d) for y in (2023, 2024, 2025, 2026) for m, d in ((3, 31), (6, 30), (9, 30), (12, 31))
        ]
        ends = [day for day in ends if FIRST <= day <= LAST]
        kept = self.rng.sample(self.tables["products"], 6)
        places = [w for w in self.tables["warehouses"] if self.rng.random() < 0.8]
        for day in ends:
            for place in places:
                for product in kept:
                    row = {
                        "tenant": tenant, "region": place["region"], "warehouse_id": place["warehouse_id"],
                        "product_id": product["product_id"], "counted_on": day,
                        "on_hand": self.rng.randrange(0, 900),
                    }  # fmt: skip
                    self.tables["inventory"].append(row)

        def inspection(n: int) -> Record:
            size = self.rng.randrange(20, 500)
            bad = self.rng.randrange(0, 12)
            return {
                "inspection_id": f"I{n:05}", "tenant": tenant, "product_id": self.pick(kept)["product_id"],
                "inspected_on": self.day(), "lot_size": size,
                "defects": None if self.rng.random() < 0.03 else bad, "result": "NG" if bad > 8 else "OK",
            }  # fmt: skip

        self._add("inspections", 300, inspection)

    def _support(self, tenant: str, customers: list[Record]) -> None:
        def ticket(n: int) -> Record:
            customer = self.pick(customers)
            return {
                "ticket_id": f"T{n:05}", "tenant": tenant, "region": customer["region"],
                "customer_id": customer["customer_id"], "opened_at": self._at(self.day()),
                "priority": self.pick("HMMLL"),
                "hours": None if self.rng.random() < 0.05 else Decimal(self.rng.randrange(1, 160)) / 4,
            }  # fmt: skip

        self._add("tickets", 350, ticket)

    def _copies(self) -> None:
        """Rows that the table's own rule takes out: older states, and the same row once more."""
        for tab in schema.TABLES:
            if tab.duplicates is None:
                continue
            for row in self.rng.sample(self.tables[tab.name], len(self.tables[tab.name]) // 20 + 1):
                copy = dict(row)
                if tab.duplicates[0] == "latest":
                    copy["updated"] = row["updated"] - timedelta(hours=self.rng.randrange(1, 200))
                    copy["amount"] = self.rng.randrange(1, 9000) * 1000
                    copy["status"] = self.pick(schema.STATUSES)
                self.extra[tab.name].append(copy)
