"""A shop whose data invites wrong answers: states called IN and OR, a product C++, two customers of one name.

Every question here has one right answer or none; a number that is true of something else is the defect.
"""

from pathlib import Path

CATALOG = """
today: 2025-10-15
covers: {from: 2023-04-01, to: 2025-09-30}
people:
- {id: boss}
metrics:
- {name: {en: net sales, ja: 純売上}, sql: "SELECT sum(amount) FROM orders", unit: JPY, reviewed_by: cfo}
tables:
- name: customers
  file: customers.csv
  description: {en: Customers, ja: 顧客}
  primary_key: [customer_id]
  columns:
  - {name: customer_id, type: code}
  - {name: name, type: text, description: {en: customer name, ja: 顧客名}}
  - {name: region, type: text, description: {en: region, ja: 地域}, values: {Kanto: {en: Kanto, ja: 関東}, Kansai: {en: Kansai, ja: 関西}}}
  - {name: state, type: code, description: {en: state, ja: 州}}
  - {name: rating, type: code, description: {en: rating, ja: 格付}}
  - {name: credit_limit, type: integer, unit: JPY, description: {en: credit limit, ja: 与信限度額}}
- name: products
  file: products.csv
  description: {en: Products, ja: 商品}
  primary_key: [product_id]
  columns:
  - {name: product_id, type: code}
  - {name: product, type: text, description: {en: product name, ja: 商品名}}
  - {name: category, type: text, description: {en: category, ja: 分類}}
  - {name: price, type: integer, unit: JPY, description: {en: unit price, ja: 単価}}
- name: orders
  file: orders.csv
  description: {en: Orders, ja: 受注}
  primary_key: [order_id]
  foreign_keys:
  - {column: customer_id, references: customers.customer_id}
  - {column: product_id, references: products.product_id}
  columns:
  - {name: order_id, type: code}
  - {name: customer_id, type: code}
  - {name: product_id, type: code}
  - {name: status, type: code, description: {en: status, ja: 状態}, values: {open: {en: open, ja: 未処理}, done: {en: done, ja: 完了}}}
  - {name: amount, type: integer, unit: JPY, description: {en: order amount, ja: 受注金額}}
  - {name: quantity, type: integer, unit: units, description: {en: quantity, ja: 数量}}
  - {name: discount, type: decimal, unit: "%", description: {en: discount rate, ja: 値引率}}
  - {name: ordered, type: date, description: {en: order date, ja: 受注日}}
- name: stock
  file: stock.csv
  description: {en: Stock levels, ja: 在庫}
  primary_key: [day, product_id]
  columns:
  - {name: day, type: date, description: {en: day, ja: 日付}}
  - {name: product_id, type: code}
  - {name: item_name, type: text, description: {en: item name, ja: 品名}}
  - {name: on_hand, type: integer, unit: units, description: {en: stock on hand, ja: 在庫数}}
- name: budget
  file: budget.csv
  description: {en: Budget, ja: 予算}
  primary_key: [budget_id]
  columns:
  - {name: budget_id, type: code}
  - {name: division, type: text, description: {en: division, ja: 事業部}}
  - {name: planned, type: integer, unit: 千円, description: {en: planned cost, ja: 計画費用}}
"""

FILES = {
    "customers.csv": """
customer_id,name,region,state,rating,credit_limit
C1,Tanaka,Kanto,IN,A+,1000000
C2,Sato,Kansai,OR,A,2000000
C3,Tanaka,Kansai,IN,B,3000000
C4,Suzuki,Kanto,ME,B,4000000
C5,Mori,Tohoku,TX,B,5000000
""",
    "products.csv": """
product_id,product,category,price
P1,Bolt,Metal,100
P2,Nut,Metal,50
P3,C++,Soft,900
P4,Board,Wood,700
""",
    "orders.csv": """
order_id,customer_id,product_id,status,amount,quantity,discount,ordered
O1,C1,P1,open,1000,10,0,2023-05-01
O2,C1,P2,done,3000,60,5,2024-05-02
O3,C2,P1,done,500,5,0,2024-05-20
O4,C3,P3,open,9000,10,10,2024-07-01
O5,C4,P2,done,250,5,0,2025-01-10
O6,C4,P1,done,700,7,0,2025-05-10
O7,C2,P3,open,1800,2,2.5,2025-06-30
""",
    "stock.csv": """
day,product_id,item_name,on_hand
2025-09-01,P1,Bolt,100
2025-09-02,P1,Bolt,90
2025-09-01,P2,Nut,5
2025-09-02,P2,Nut,7
""",
    "budget.csv": """
budget_id,division,planned
B1,Alpha,500
B2,Beta,1500
B3,Gamma,2500
""",
}


def write(folder: Path) -> None:
    """The shop's files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "catalog.yaml").write_text(CATALOG, encoding="utf-8")
    for name, text in FILES.items():
        (folder / name).write_text(text.lstrip(), encoding="utf-8")
