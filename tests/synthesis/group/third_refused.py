"""The third set's questions that must be refused: as plausible as the rest, about what the data does not hold."""

from __future__ import annotations

from . import schema
from .said import Both

ABSENT_FIGURES: Both = (
    ("売掛金残高", "営業利益", "温室効果ガス排出量", "有給休暇取得率", "自己資本比率", "広告のクリック数", "返品率", "設備稼働率",
     "法人税額", "借入金残高", "研究開発費率", "採用コスト", "労働災害件数", "為替差損益", "納期遵守率", "アプリの利用者数"),
    ("accounts receivable balance", "operating profit", "greenhouse gas footprint", "paid leave take-up rate", "equity ratio", "ad click count",
     "return rate", "machine utilisation", "corporate tax charge", "bank debt", "number of job applicants", "recruiting cost",
     "number of workplace accidents", "foreign exchange loss", "on-time delivery rate", "number of app users"),
)  # fmt: skip
ABSENT_TOPICS: Both = (
    ("産休の申請方法を教えてください。", "慶弔休暇は何日ですか。", "通勤手当の上限はいくらですか。", "フレックスタイム制度はありますか。", "社宅の入居条件は？",
     "永年勤続表彰の基準を教えてください。", "ストレスチェックはいつ実施しますか。", "定年は何歳ですか。", "会議室の予約方法は？", "名刺の発注先はどこですか。",
     "駐車場は何台まで使えますか。", "資格取得の報奨金はいくらですか。"),
    ("How do I apply for maternity leave?", "How many days of bereavement leave do we get?", "What is the cap on the commuting allowance?",
     "Do we have flexitime?", "Who is eligible for company housing?", "What is the retirement age?", "When is the stress check carried out?",
     "How are long-service awards decided?", "How do I book a meeting room?", "Where do I order business cards?",
     "How many parking spaces may we use?", "What bonus do I get for a professional certificate?"),
)  # fmt: skip
NEAR_TOPICS: Both = (
    ("国内線の飛行機でプレミアムクラスは使えますか。", "名古屋出張のホテル代の上限はいくらですか。", "出張中の夕食代はいくらまで精算できますか。", "在宅勤務用の椅子の購入補助はいくらですか。",
     "パスワードに記号は必要ですか。", "仕入先の年次評価は誰が行いますか。", "保証書を紛失した場合の再発行手数料はいくらですか。", "新工場の従業員数は何人の予定ですか。",
     "システム障害の担当者は誰でしたか。", "新入社員研修の講師は誰ですか。"),
    ("May I fly premium class on domestic flights?", "What is the hotel cap per night in Nagoya?", "Up to how much can I claim for dinner on a trip?",
     "Is there a subsidy for a home office chair?", "Must passwords contain a special character?", "Who carries out the yearly evaluation of suppliers?",
     "What does a replacement warranty certificate cost?", "How many people will work at the new plant?", "Who was on duty during the system incident?",
     "Who teaches the new employee training?"),
)  # fmt: skip
UNKNOWN_VALUES: Both = (
    ("四国の", "モーターの", "代理店経由の", "返品された分の", "定期契約の", "官公庁向けの", "リピート注文の", "海外顧客の", "試作品の", "新製品の", "展示会経由の", "緊急手配の"),
    ("in Shikoku", "for motors", "through resellers", "that were returned", "under subscription contracts", "for government agencies", "for repeat orders",
     "from overseas customers", "under framework agreements", "for prototypes", "from trade fairs", "with rush handling"),
)  # fmt: skip
VAGUE_SAID: Both = (
    ("来月の注文金額はいくらになりそうですか。", "明日の東京の天気を教えてください。", "どの得意先が一番信用できると思いますか。", "業績が落ちた理由を説明してください。",
     "在庫を減らす方法を提案してください。", "競合他社の売上高を教えてください。", "来期の採用人数を予想してください。", "社長へのあいさつ文を作ってください。",
     "うちの給与水準は妥当でしょうか。", "配送費はこれから上がりますか。", "例の件、どうなっていますか。", "ドル円の為替レートはいくらですか。",
     "一番優秀な営業は誰だと思いますか。", "おすすめのレストランはありますか。", "さっきのやつをグラフで。", "景気はこの先よくなりますか。"),
    ("How much order intake do you expect next month?", "Will it rain in Tokyo tomorrow?", "Which client do you trust most?",
     "Explain why our results got worse.", "Suggest how we can bring inventory down.", "What turnover do our competitors have?",
     "Predict how many people we will hire next year.", "Draft a speech for the president.", "Are our salaries fair, in your view?",
     "Will shipping costs go up?", "Any news on that matter?", "What is the dollar-yen exchange rate?", "Who is the best salesperson, would you say?",
     "Can you recommend a restaurant nearby?", "The one from before, but as a chart.", "Is the economy going to improve?"),
)  # fmt: skip
UNKNOWN_NAMES: tuple[schema.Both, ...] = (
    ("ネプチューン化学", "Neptune Chemicals"),
    ("グリフォン工機", "Griffon Machinery"),
    ("ポラリス商会", "Polaris Trading House"),
    ("ヘリオス電装", "Helios Electrics"),
    ("アトラス製紙", "Atlas Paper Mills"),
    ("ケルベロス警備", "Cerberus Security"),
)
SISTERS: Both = (
    ("{v}社の", "関係会社{v}の", "グループ会社の{v}の", "{v}における"),
    ("over at {v}", "for our affiliate {v}", "for {v}", "by the group company {v}"),
)
"""Another company of the group, as a condition."""

UNKNOWN_GROUPS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "orders": (("都道府県", "prefecture", "prefectures"), ("通貨", "currency", "currencies"), ("支払条件", "payment term", "payment terms"), ("キャンペーン", "marketing campaign", "marketing campaigns")),
    "expenses": (("プロジェクト", "project", "projects"), ("仕入先", "vendor", "vendors"), ("承認者", "approver", "approvers"), ("クレジットカード", "credit card", "credit cards")),
    "shipments": (("車種", "truck type", "truck types"), ("ドライバー", "driver", "drivers"), ("配送ルート", "delivery route", "delivery routes"), ("梱包形態", "packaging type", "packaging types")),
    "inspections": (("検査員", "inspector", "inspectors"), ("生産ライン", "production line", "production lines"), ("不良原因", "defect cause", "defect causes"), ("検査機器", "test device", "test devices")),
    "tickets": (("担当オペレーター", "support agent", "support agents"), ("問い合わせ内容", "topic", "topics"), ("満足度", "satisfaction score", "satisfaction scores"), ("受付言語", "language", "languages")),
}  # fmt: skip
"""Groups that no column holds."""
UNKNOWN_ATTRIBUTES: dict[str, Both] = {
    "products": (
        ("{v}の色は何色ですか。", "{v}の原産国はどこですか。", "{v}の仕入先を教えてください。", "{v} 材質", "{v}の保管温度をお願いします。", "{v}の消費電力は？", "{v}の設計者は誰ですか。", "{v}のバーコード番号を知りたいです。"),
        ("What colour is the {v}?", "In which country is the {v} made?", "Who supplies the {v}?", "{v} material", "At what temperature is the {v} stored?", "How much power does the {v} draw?", "Who designed the {v}?", "Show me the barcode of the {v}."),
    ),
    "customers": (
        ("{v}の代表者は誰ですか。", "{v}の電話番号を教えてください。", "{v} 資本金", "{v}の従業員は何名いますか。", "{v}の本社住所をお願いします。", "{v}の支払サイトは何日ですか。", "{v}のメインバンクはどこですか。", "{v}の決算月はいつですか。"),
        ("Who is the CEO of {v}?", "What is the phone number of {v}?", "{v} paid-in capital", "How many people work for {v}?", "What is the street address of {v}?", "How many days of payment terms does {v} have?", "Which bank does {v} use?", "When does the financial year of {v} end?"),
    ),
    "employees": (
        ("{v}さんの年齢は？", "{v}さんのメールアドレスを教えてください。", "{v}さんの出身大学はどこですか。", "{v} 血液型", "{v}さんの有給の残日数をお願いします。", "{v}さんの上司は誰ですか。", "{v}さんの人事評価はどうでしたか。", "{v}さんの内線番号は何番ですか。"),
        ("How old is {v}?", "What is the e-mail address of {v}?", "Which university did {v} attend?", "{v} blood type", "How many days of leave does {v} have left?", "Who is the line manager of {v}?", "How was {v} rated in the last appraisal?", "What's the extension number of {v}?"),
    ),
    "warehouses": (
        ("{v}の賃料はいくらですか。", "{v}の責任者は誰ですか。", "{v}の住所を教えてください。", "{v} 天井高", "{v}のドックは何基ありますか。", "{v}の営業時間をお願いします。", "{v}の火災保険の金額は？", "{v}に冷蔵設備はありますか。"),
        ("How much rent do we pay for the {v}?", "Who manages the {v}?", "What is the address of the {v}?", "{v} ceiling height", "How many loading docks does the {v} have?", "When is the {v} open for deliveries?", "What is the {v} insured for?", "Does the {v} have cold storage?"),
    ),
}  # fmt: skip
"""What no column of the record holds."""
