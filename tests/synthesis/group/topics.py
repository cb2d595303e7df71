"""What the documents are about, in Japanese and English: facts, the questions people ask, and filling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Both = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Fact:
    """One sentence with drawn values, and how people ask for it."""

    heading: Both
    sentence: Both
    questions: tuple[tuple[str, ...], tuple[str, ...]]
    values: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Topic:
    """One document in two languages."""

    name: str
    title: Both
    facts: tuple[Fact, ...]
    roles: tuple[str, ...] = ()
    by_region: bool = False


FILLERS: tuple[dict[str, Any], dict[str, Any]] = (
    {
        "opening": "この文書は{name}の「{title}」です。内容は毎年見直します。",
        "before": (
            "この節は全員に関係します。",
            "背景は前回の改訂時に説明したとおりです。",
            "実務上の問い合わせが多い項目です。",
            "次のとおり定めます。",
        ),
        "after": (
            "例外は担当部門に相談してください。",
            "不明な点は総務に確認してください。",
            "詳細は社内ポータルにも掲載しています。",
            "運用の変更があれば改めて通知します。",
        ),
    },
    {
        "opening": 'This document is "{title}" of {name}. It is reviewed every year.',
        "before": (
            "This section concerns everybody.",
            "The background was explained at the last revision.",
            "Many practical inquiries are about this point.",
            "The following applies.",
        ),
        "after": (
            "Exceptions are discussed with the responsible team.",
            "If anything is unclear, ask general affairs.",
            "Further details are on the internal portal.",
            "Changes in practice will be announced.",
        ),
    },
)

OWN: tuple[Topic, ...] = (
    Topic("travel", ("出張旅費規程", "Travel Expense Policy"), (
        Fact(("日当", "Daily allowance"),
             ("海外出張の日当は1日{a}円とします。", "The daily allowance for overseas business trips is {a} yen per day."),
             (("海外出張の日当はいくらですか。", "海外に出張すると日当は1日いくら出ますか。"),
              ("What is the daily allowance for overseas business trips?", "How much per day do I get on an overseas trip?")),
             {"a": ("4,500", "5,200", "6,000", "7,300")}),
        Fact(("宿泊", "Hotels"),
             ("東京都内の宿泊費の上限は1泊{a}円です。", "Hotel costs in Tokyo are reimbursed up to {a} yen per night."),
             (("東京での宿泊費の上限はいくら？", "都内のホテルは1泊いくらまで認められますか。"),
              ("What is the limit for hotel costs in Tokyo?", "Up to how much per night is a hotel in Tokyo reimbursed?")),
             {"a": ("11,000", "13,500", "15,000", "18,000")}),
        Fact(("精算", "Claims"),
             ("出張の精算は帰着後{a}営業日以内に行います。", "Travel claims are filed within {a} business days after returning."),
             (("出張の精算はいつまでにすればよいですか。", "出張から帰って何営業日以内に精算が必要ですか。"),
              ("By when do I have to file a travel claim?", "Within how many business days are travel claims filed?")),
             {"a": (3, 5, 7, 10)}),
        Fact(("航空券", "Flights"),
             ("飛行時間が{a}時間を超える場合はビジネスクラスを利用できます。", "Business class may be used when a flight takes longer than {a} hours."),
             (("ビジネスクラスを利用できるのはどんな場合ですか。", "何時間以上の飛行でビジネスクラスに乗れますか。"),
              ("When may business class be used?", "From which flight time is business class allowed?")),
             {"a": (6, 8, 9, 11)}),
    )),
    Topic("remote", ("在宅勤務規程", "Remote Work Policy"), (
        Fact(("日数", "Days"),
             ("在宅勤務は週{a}日まで認めます。", "Working from home is allowed on up to {a} days a week."),
             (("在宅勤務は週に何日までできますか。", "週何日まで在宅勤務が認められていますか。"),
              ("How many days a week may I work from home?", "Up to how many days is working from home allowed?")),
             {"a": (1, 2, 3, 4)}),
        Fact(("手当", "Allowance"),
             ("在宅勤務手当として月額{a}円を支給します。", "A remote work allowance of {a} yen is paid every month."),
             (("在宅勤務手当は月いくらですか。", "在宅勤務の手当の金額を教えてください。"),
              ("How much is the remote work allowance?", "What monthly allowance is paid for remote work?")),
             {"a": ("3,000", "4,000", "5,500", "6,500")}),
        Fact(("コアタイム", "Core hours"),
             ("在宅勤務中のコアタイムは{a}時から15時までです。", "The core hours when working remotely are from {a} a.m. to 3 p.m."),
             (("在宅勤務のコアタイムは何時から何時までですか。", "コアタイムを教えて"),
              ("What are the core hours when working remotely?", "Which core hours apply to remote work?")),
             {"a": (9, 10, 11)}),
    )),
    Topic("security", ("情報セキュリティ規程", "Information Security Policy"), (
        Fact(("パスワード", "Passwords"),
             ("パスワードは{a}文字以上とします。", "Passwords must have at least {a} characters."),
             (("パスワードは何文字以上必要ですか。", "パスワードの最低文字数は？"),
              ("How many characters must a password have?", "What is the minimum password length?")),
             {"a": (10, 12, 14, 16)}),
        Fact(("紛失", "Loss"),
             ("社用パソコンを紛失したときは{a}時間以内に報告します。", "The loss of a company laptop is reported within {a} hours."),
             (("パソコンを紛失したら何時間以内に報告しますか。", "社用パソコンを失くした場合の報告期限を教えてください。"),
              ("Within how many hours must a lost laptop be reported?", "How soon do I have to report the loss of a company laptop?")),
             {"a": (1, 2, 4, 24)}),
        Fact(("ログ", "Logs"),
             ("アクセスログは{a}か月間保存します。", "Access logs are kept for {a} months."),
             (("アクセスログの保存期間はどれくらいですか。", "アクセスログは何か月保存しますか。"),
              ("How long are access logs kept?", "For how many months do we keep access logs?")),
             {"a": (6, 12, 18, 36)}),
    )),
    Topic("purchasing", ("購買規程", "Purchasing Policy"), (
        Fact(("相見積", "Quotations"),
             ("{a}万円を超える購買には三社以上の見積もりが必要です。", "Purchases above {a}0 thousand yen need quotations from at least three suppliers."),
             (("相見積もりが必要になるのはいくらを超える購買ですか。", "三社以上の見積もりが要るのはどんな購買ですか。"),
              ("Above which amount are three quotations needed?", "Which purchases need quotations from three suppliers?")),
             {"a": (20, 30, 50, 80)}),
        Fact(("支払", "Payment"),
             ("仕入先への支払いは請求書受領後{a}日以内に行います。", "Suppliers are paid within {a} days of receiving the invoice."),
             (("仕入先への支払いは何日以内ですか。", "請求書を受け取ってから何日以内に支払いますか。"),
              ("Within how many days are suppliers paid?", "What are our payment terms towards suppliers?")),
             {"a": (20, 30, 45, 60)}),
        Fact(("承認", "Approval"),
             ("新しい仕入先の登録には{a}の承認が必要です。", "Registering a new supplier requires the approval of {b}."),
             (("新しい仕入先の登録には誰の承認が必要ですか。", "新規の仕入先を登録するときの承認者は誰ですか。"),
              ("Whose approval is required to register a new supplier?", "Who approves a new supplier?")),
             {"a": ("購買部長", "工場長", "財務担当役員"), "b": ("the head of purchasing", "the plant manager", "the finance officer")}),
    )),
    Topic("warranty", ("製品保証規定", "Product Warranty Terms"), (
        Fact(("期間", "Period"),
             ("製品の保証期間は納入日から{a}か月です。", "The warranty period is {a} months from the delivery date."),
             (("製品の保証期間は何か月ですか。", "納入後どれくらいの期間、保証されますか。"),
              ("How long is the warranty period?", "For how many months from delivery does the warranty last?")),
             {"a": (12, 18, 24, 36)}),
        Fact(("修理", "Repairs"),
             ("修理品は受付から{a}営業日以内に返送します。", "Repaired goods are returned within {a} business days of receipt."),
             (("修理品は何営業日で返ってきますか。", "修理の返送までの期間を教えてください。"),
              ("Within how many business days are repaired goods returned?", "How long does a repair take until the goods are returned?")),
             {"a": (5, 8, 10, 15)}),
        Fact(("除外", "Exclusions"),
             ("{a}による損傷は保証の対象外です。", "Damage caused by {b} is excluded from the warranty."),
             (("保証の対象外となる損傷は何ですか。", "どのような損傷が保証の対象外になりますか。"),
              ("What damage is excluded from the warranty?", "Which damage does the warranty not cover?")),
             {"a": ("落雷", "水没", "無断改造"), "b": ("lightning", "flooding", "unauthorised modification")}),
    )),
    Topic("minutes", ("経営会議議事録", "Minutes of the Management Meeting"), (
        Fact(("新工場", "New plant"),
             ("新工場の建設地は{a}に決定しました。", "It was decided to build the new plant in {b}."),
             (("新工場の建設地はどこに決まりましたか。", "経営会議で決まった新工場の場所は？"),
              ("Where will the new plant be built?", "Which site was decided for the new plant?")),
             {"a": ("宇都宮", "姫路", "鈴鹿", "都城"), "b": ("Utsunomiya", "Himeji", "Suzuka", "Miyakonojo")}),
        Fact(("投資", "Investment"),
             ("設備投資の総額として{a}億円を承認しました。", "A total capital investment of {b} million yen was approved."),
             (("承認された設備投資の総額はいくらですか。", "経営会議が承認した設備投資額を教えてください。"),
              ("What total capital investment was approved?", "How much capital investment did the management meeting approve?")),
             {"a": (12, 18, 25, 40), "b": ("1,200", "1,800", "2,500", "4,000")}),
        Fact(("次回", "Next meeting"),
             ("次回の経営会議は6月{a}日に開催します。", "The next management meeting takes place on {a} June."),
             (("次回の経営会議はいつですか。", "次の経営会議の開催日を教えて"),
              ("When is the next management meeting?", "On which day does the next management meeting take place?")),
             {"a": (3, 9, 17, 24)}),
    ), roles=("finance",)),
    Topic("incident", ("システム障害報告書", "System Incident Report"), (
        Fact(("原因", "Cause"),
             ("障害の原因は{a}でした。", "The cause of the incident was {b}."),
             (("障害の原因は何でしたか。", "システム障害はなぜ起きましたか。原因を引用してください。"),
              ("What was the cause of the incident?", "What caused the system incident?")),
             {"a": ("証明書の期限切れ", "記憶装置の故障", "設定変更の誤り"), "b": ("an expired certificate", "a failed storage device", "a faulty configuration change")}),
        Fact(("影響", "Impact"),
             ("停止時間は合計{a}分に及びました。", "The outage lasted {a} minutes in total."),
             (("システムの停止時間は何分でしたか。", "障害で合計どれくらい停止しましたか。"),
              ("How long did the outage last?", "How many minutes was the system down during the outage?")),
             {"a": (35, 48, 95, 140)}),
        Fact(("対策", "Countermeasure"),
             ("再発防止策として監視を{a}分間隔に変更します。", "To prevent recurrence, monitoring is changed to an interval of {a} minutes."),
             (("再発防止策は何ですか。", "障害の再発を防ぐために何をしますか。"),
              ("What is done to prevent recurrence of the incident?", "To which interval is monitoring changed?")),
             {"a": (1, 2, 5)}),
    ), by_region=True),
    Topic("onboarding", ("新入社員の手引き", "New Employee Guide"), (
        Fact(("試用", "Probation"),
             ("試用期間は入社日から{a}か月です。", "The probation period is {a} months from the date of joining."),
             (("試用期間は何か月ですか。", "入社後の試用期間の長さは？"),
              ("How long is the probation period?", "How many months is the probation period for new employees?")),
             {"a": (2, 3, 4, 6)}),
        Fact(("研修", "Training"),
             ("新入社員研修は{a}週間行います。", "The training for new employees takes {a} weeks."),
             (("新入社員研修は何週間ですか。", "入社時の研修の期間を教えてください。"),
              ("How many weeks does the training for new employees take?", "How long is the new employee training?")),
             {"a": (2, 4, 6, 8)}),
        Fact(("昼食", "Lunch"),
             ("昼食補助は1食あたり{a}円です。", "The lunch subsidy is {a} yen per meal."),
             (("昼食補助はいくらですか。", "昼食には1食いくらの補助が出ますか。"),
              ("How much is the lunch subsidy?", "What subsidy do we get per meal at lunch?")),
             {"a": (150, 200, 300, 350)}),
    )),
)  # fmt: skip

GROUP: tuple[Topic, ...] = (
    Topic("conduct", ("行動規範", "Code of Conduct"), (
        Fact(("贈答", "Gifts"),
             ("取引先からの贈り物は{a}円相当まで受け取れます。", "Gifts from business partners may be accepted up to a value of {a} yen."),
             (("取引先からの贈り物はいくらまで受け取れますか。", "贈り物を受け取ってよい金額の上限は？"),
              ("Up to which value may gifts from business partners be accepted?", "What is the limit for accepting gifts?")),
             {"a": ("2,000", "3,000", "5,000")}),
        Fact(("相談窓口", "Hotline"),
             ("内部通報は{a}が受け付けます。", "Whistleblowing reports are received by {b}."),
             (("内部通報はどこが受け付けますか。", "内部通報の窓口はどこですか。"),
              ("Who receives whistleblowing reports?", "Where do I send a whistleblowing report?")),
             {"a": ("監査室", "外部の法律事務所"), "b": ("the audit office", "an outside law firm")}),
    )),
    Topic("export", ("輸出管理の手引き", "Export Control Guide"), (
        Fact(("該非判定", "Classification"),
             ("該非判定書は輸出の{a}日前までに提出します。", "The classification sheet is submitted at least {a} days before export."),
             (("該非判定書は輸出の何日前までに出しますか。", "該非判定書の提出期限を教えてください。"),
              ("How many days before export is the classification sheet submitted?", "When is the classification sheet due?")),
             {"a": (7, 10, 14)}),
        Fact(("記録", "Records"),
             ("輸出関係書類は{a}年間保管します。", "Export documents are stored for {a} years."),
             (("輸出関係書類は何年間保管しますか。", "輸出書類の保管期間は？"),
              ("For how many years are export documents stored?", "How long do we have to store export documents?")),
             {"a": (5, 7, 10)}),
    )),
    Topic("brand", ("ブランドガイド", "Brand Guide"), (
        Fact(("ロゴ", "Logo"),
             ("ロゴの周囲には{a}ミリメートル以上の余白を取ります。", "A margin of at least {a} millimetres is kept around the logo."),
             (("ロゴの周囲の余白は何ミリ必要ですか。", "ロゴの余白のルールを教えて"),
              ("What margin is kept around the logo?", "How much space is needed around the logo?")),
             {"a": (4, 6, 8)}),
        Fact(("書体", "Typeface"),
             ("見出しの書体には{a}を用います。", "Headlines are set in {b}."),
             (("見出しの書体は何ですか。", "見出しにはどの書体を使いますか。"),
              ("Which typeface are headlines set in?", "What typeface do we use for headlines?")),
             {"a": ("明朝体", "角ゴシック体"), "b": ("a serif typeface", "a sans serif typeface")}),
    )),
    Topic("safety", ("安全衛生の手引き", "Health and Safety Guide"), (
        Fact(("訓練", "Drills"),
             ("避難訓練は年{a}回実施します。", "Evacuation drills are held {a} times a year."),
             (("避難訓練は年に何回ありますか。", "年何回、避難訓練を行いますか。"),
              ("How often are evacuation drills held?", "How many evacuation drills are there a year?")),
             {"a": (2, 3, 4)}),
        Fact(("休憩", "Breaks"),
             ("画面作業は{a}分ごとに休憩を取ります。", "Screen work is interrupted by a break every {a} minutes."),
             (("画面作業では何分ごとに休憩しますか。", "画面作業の休憩のルールは？"),
              ("After how many minutes of screen work is a break due?", "How often should screen work be interrupted by a break?")),
             {"a": (50, 60, 90)}),
    )),
    Topic("helpdesk", ("ITヘルプデスク案内", "IT Help Desk Guide"), (
        Fact(("受付時間", "Opening hours"),
             ("ヘルプデスクの受付は平日{a}時から開始します。", "The help desk opens at {a} a.m. on weekdays."),
             (("ヘルプデスクは何時から受け付けていますか。", "ヘルプデスクの受付開始時刻は？"),
              ("When does the help desk open?", "At what time does the help desk open on weekdays?")),
             {"a": (7, 8, 9)}),
        Fact(("交換", "Replacement"),
             ("社用パソコンは{a}年ごとに交換します。", "Company laptops are replaced every {a} years."),
             (("社用パソコンは何年ごとに交換しますか。", "パソコンの交換周期を教えてください。"),
              ("How often are company laptops replaced?", "After how many years is a laptop replaced?")),
             {"a": (3, 4, 5)}),
    )),
    Topic("strategy", ("グループ中期計画", "Group Medium-Term Plan"), (
        Fact(("目標", "Target"),
             ("営業利益率の目標は{a}パーセントです。", "The target for the operating margin is {a} percent."),
             (("営業利益率の目標は何パーセントですか。", "中期計画の営業利益率の目標を教えてください。"),
              ("What is the target for the operating margin?", "Which operating margin does the medium-term plan target?")),
             {"a": (7, 9, 11)}),
        Fact(("進出", "Expansion"),
             ("次の進出先として{a}を検討しています。", "{b} is being considered as the next market to enter."),
             (("次の進出先として検討している国はどこですか。", "グループが次に進出を検討している国は？"),
              ("Which market is being considered as the next to enter?", "What is the next market the group considers entering?")),
             {"a": ("ベトナム", "インド", "メキシコ"), "b": ("Vietnam", "India", "Mexico")}),
    ), roles=("finance",)),
)  # fmt: skip
