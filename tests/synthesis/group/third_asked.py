"""The third set's questions about what documents say and about single records."""

from __future__ import annotations

from .said import Both

ASKED: dict[str, tuple[Both, ...]] = {
    "travel": (
        (("海外出張に行くと1日あたりの手当はいくらもらえますか。", "海外出張 日当 金額"), ("What per diem is paid on business trips abroad?", "overseas business trip daily allowance amount")),
        (("東京出張の宿泊代は1泊いくらまで出ますか。", "都内に泊まる場合のホテル代の上限額を知りたいです。"), ("What's the maximum I can claim per night for a hotel in Tokyo?", "Tokyo hotel cap per night?")),
        (("出張旅費の精算期限は帰ってから何営業日ですか。", "出張精算の締切を教えてください。"), ("After a trip, how many business days do I have to submit my travel claim?", "deadline for filing travel claims after returning")),
        (("フライトが何時間を超えるとビジネスクラスを使えますか。", "ビジネスクラス利用の条件は？"), ("How long does a flight have to be before I can fly business class?", "Business class: what flight duration is needed?")),
    ),
    "remote": (
        (("テレワークは1週間に何日まで可能ですか。", "在宅勤務 週の上限日数"), ("What's the weekly limit on working from home?", "How many days per week can staff work from home?")),
        (("在宅勤務をすると毎月いくら手当が出ますか。", "在宅勤務手当の月額をお願いします。"), ("How much is the monthly allowance for remote work?", "remote work allowance, yen per month")),
        (("在宅のとき、コアタイムは何時に始まりますか。", "在宅勤務中に必ず働いているべき時間帯（コアタイム）は？"), ("When do core hours start and end for people working remotely?", "core hours remote working")),
    ),
    "security": (
        (("パスワードの長さは最低何文字にすべきですか。", "パスワード 必要文字数"), ("How long does my password have to be?", "minimum number of characters for passwords")),
        (("会社のパソコンをなくした場合、何時間以内に届け出る必要がありますか。", "社用PCを紛失しました。報告は何時間以内ですか。"), ("I lost my company laptop, how many hours do I have to report it?", "reporting deadline for a lost company laptop")),
        (("アクセスログは何か月分残していますか。", "アクセスログ 保存期間"), ("What's the retention period for access logs?", "How many months are access logs retained?")),
    ),
    "purchasing": (
        (("何万円を超える購入だと三社から見積もりを取る必要がありますか。", "三社見積もりが必須になる金額を教えてください。"), ("From what purchase amount do we need three supplier quotations?", "threshold for quotations from three suppliers")),
        (("請求書受領から仕入先へ支払うまでの期限は何日ですか。", "仕入先への支払期限"), ("How soon after the invoice arrives are suppliers paid?", "Payment deadline to suppliers, in days from invoice?")),
        (("新規仕入先の登録は誰が承認しますか。", "仕入先を新しく登録したいのですが、どなたの承認が要りますか。"), ("Who has to approve the registration of a new supplier?", "new supplier registration approver")),
    ),
    "warranty": (
        (("保証は納入してから何か月有効ですか。", "製品の保証期間"), ("How many months of warranty do our products carry?", "warranty length from delivery date")),
        (("修理に出した製品は何営業日以内に戻りますか。", "修理品の返送期限を知りたい"), ("How many business days until a repaired item is sent back?", "turnaround for repaired goods in business days")),
        (("保証がきかないのはどんな損傷ですか。", "製品保証の対象外になる損傷を確認したいです。"), ("Which kind of damage voids coverage under the product warranty?", "damage excluded from product warranty")),
    ),
    "minutes": (
        (("新工場はどこに建てることになりましたか。", "経営会議 新工場 建設地"), ("Where did management decide to build the new plant?", "location chosen for the new plant")),
        (("経営会議で承認された設備投資は総額で何億円ですか。", "設備投資の承認総額をお願いします。"), ("How large was the capital investment that management approved in total?", "approved total capital investment")),
        (("次回の経営会議は何日に開かれますか。", "次の経営会議の日程を知りたいです。"), ("What date is the next management meeting scheduled for?", "date of the next management meeting")),
    ),
    "incident": (
        (("システム障害を引き起こした原因を教えてください。", "システム障害の原因は何だったのでしょうか。"), ("What was behind the system incident?", "root cause of the system incident")),
        (("障害によるシステムの停止は全部で何分間でしたか。", "システム障害 停止時間 合計"), ("For how many minutes in total was there an outage?", "total outage duration in minutes")),
        (("障害の再発防止のため、監視は何分間隔になりますか。", "システム障害の再発防止策の内容をお願いします。"), ("What countermeasure was taken so the incident does not recur?", "new monitoring interval to prevent recurrence")),
    ),
    "onboarding": (
        (("入社してから何か月が試用期間ですか。", "新入社員 試用期間"), ("How many months does probation last after joining?", "length of probation for new hires")),
        (("新入社員の研修期間は何週間ありますか。", "新人研修はどのくらいの期間ですか。"), ("For how many weeks are new employees trained?", "duration of new employee training")),
        (("お昼の補助は1食あたりいくら出ますか。", "昼食補助の金額"), ("How much does the company pay towards each lunch?", "lunch subsidy per meal")),
    ),
    "conduct": (
        (("取引先から贈り物をもらう場合、いくら相当までなら問題ないですか。", "贈答品 受け取り 上限額"), ("Up to how many yen can I accept a gift from a business partner?", "value limit for gifts from business partners")),
        (("内部通報をしたい場合はどこに連絡しますか。", "内部通報の受付先を教えてください。"), ("To whom should I address a whistleblowing report?", "whistleblowing reports: who takes them?")),
    ),
    "export": (
        (("該非判定書は輸出日の何日前までに出せばよいですか。", "該非判定書 提出 いつまで"), ("How far ahead of an export must the classification sheet be submitted?", "classification sheet submission deadline before export")),
        (("輸出関連の書類は何年保存する必要がありますか。", "輸出関係書類の保管年数"), ("What's the retention period in years for export documents?", "how many years must export documents be stored")),
    ),
    "brand": (
        (("ロゴのまわりに空けるべき余白は何ミリですか。", "ロゴ 余白 ミリ"), ("How many millimetres of clear space does the logo need?", "minimum margin around our logo")),
        (("見出しに使う書体の指定を教えてください。", "見出し用の書体は何と決められていますか。"), ("What kind of typeface should I use for headlines?", "headline typeface")),
    ),
    "safety": (
        (("避難訓練は1年で何回実施することになっていますか。", "避難訓練 年間回数"), ("How many times a year do we run evacuation drills?", "evacuation drill frequency per year")),
        (("画面を見る作業では何分おきに休む必要がありますか。", "画面作業の休憩は何分ごと？"), ("At what interval in minutes should people doing screen work take a break?", "screen work break interval")),
    ),
    "helpdesk": (
        (("ヘルプデスクは平日の朝何時に開きますか。", "ITヘルプデスク 受付開始時間"), ("From what time on weekdays can I reach the help desk?", "help desk opening time weekdays")),
        (("会社支給のパソコンは何年で入れ替えますか。", "社用パソコンの交換は何年おきですか。"), ("Every how many years do we get a new company laptop?", "company laptop replacement cycle")),
    ),
    "strategy": (
        (("中期計画が掲げる営業利益率は何％ですか。", "営業利益率の目標値をお願いします。"), ("What operating margin are we aiming for in the medium-term plan?", "operating margin target percent")),
        (("グループが新たな進出先として検討中の国はどこでしょうか。", "次に進出を検討している市場を教えてください。"), ("Which country is the group looking at as the next market to enter?", "next market under consideration for expansion")),
    ),
}  # fmt: skip
"""For each topic, the questions of its facts in the order of `topics`."""

LOOKUPS: dict[tuple[str, str], Both] = {
    ("products", "list_price"): (
        ("{v} 定価", "{v}の定価をお願いします。", "{v}って定価いくらでしたっけ？", "{v}のカタログ上の定価を知りたいです。"),
        ("list price {v}", "What's the {v} listed at?", "Can you give me the list price for the {v}?", "Show the {v} list price."),
    ),
    ("products", "net_weight"): (
        ("{v} 正味重量", "{v}は正味で何キロありますか。", "{v}の正味の重さは何kgですか。", "{v}の正味重量を確認させてください。"),
        ("{v} net weight", "How much does the {v} weigh net?", "What does the {v} weigh, net, in kg?", "I need the net weight of the {v}."),
    ),
    ("products", "category"): (
        ("{v} 製品分類", "{v}はどの製品分類に入りますか。", "{v}の分類をお願いします。", "{v}はどの製品カテゴリですか。"),
        ("{v} product category", "What category of product is the {v}?", "Under which product category is the {v} listed?", "Tell me the category the {v} falls into."),
    ),
    ("products", "launched"): (
        ("{v} 発売日", "{v}が発売されたのはいつでしょうか。", "{v}の発売年月日をお願いします。", "{v}の発売はいつでしたっけ。"),
        ("{v} launch date", "When did we launch the {v}?", "On what date was the {v} brought to market?", "Give me the date the {v} was launched."),
    ),
    ("customers", "industry"): (
        ("{v} 業種", "得意先{v}の業種を教えてください。", "{v}は何業界の会社ですか。", "{v}の業種区分をお願いします。"),
        ("{v} industry", "What sector does our customer {v} operate in?", "What industry is {v} classified under?", "Show me the industry of client {v}."),
    ),
    ("customers", "region"): (
        ("顧客{v}の地域は？", "得意先の{v}はどのエリアですか。", "{v} 顧客 地域", "お客様の{v}がどの地域か教えてください。"),
        ("customer {v} region", "In what region is our client {v}?", "Where is customer {v} located, by region?", "Tell me the region of customer {v}."),
    ),
    ("customers", "since"): (
        ("{v} 取引開始日", "{v}との取引が始まったのはいつですか。", "{v}はいつからのお客様ですか。", "{v}の取引開始年月日をお願いします。"),
        ("{v} customer since when?", "From what date have we been doing business with {v}?", "When did {v} become our customer?", "Date that {v} first became a customer, please."),
    ),
    ("customers", "credit_limit"): (
        ("{v} 与信限度額", "{v}の与信枠はどれくらいですか。", "得意先{v}の与信限度額をお願いします。", "{v}への与信の上限額を確認したいです。"),
        ("credit limit {v}", "What credit limit have we set for {v}?", "Show me the credit line of customer {v}.", "Up to what amount do we extend credit to {v}?"),
    ),
    ("warehouses", "floor_area"): (
        ("{v} 床面積", "{v}の床面積は何平米ですか。", "{v}の床面積をお願いします。", "{v}って床面積はどれくらいありますか。"),
        ("{v} floor area", "How many square metres of floor does the {v} have?", "What's the floor space of the {v}?", "Give me the floor area for the {v}."),
    ),
    ("warehouses", "opened"): (
        ("{v} 開設日", "{v}が開設されたのはいつでしょうか。", "{v}の開設年月日をお願いします。", "{v}はいつできた倉庫ですか。"),
        ("{v} opening date", "On which date did the {v} open?", "Since when has the {v} been open?", "When did we open the {v}?"),
    ),
    ("employees", "hired"): (
        ("{v} 入社日", "{v}さんはいつの入社ですか。", "{v}さんの入社年月日をお願いします。", "社員の{v}さんが入社したのはいつでしょう？"),
        ("{v} hire date", "When did {v} join the company?", "On what date was {v} taken on?", "Please look up the joining date of {v}."),
    ),
    ("employees", "grade"): (
        ("{v} 役職", "{v}さんの現在の役職をお願いします。", "{v}さんはどの役職に就いていますか。", "社員の{v}さんの役職を知りたいです。"),
        ("{v} job grade", "At what job grade is {v}?", "What grade does {v} hold?", "Show me {v}'s job grade."),
    ),
    ("departments", "planned_staff"): (
        ("{v} 計画人員", "{v}の計画人員数をお願いします。", "{v}は何名体制の計画ですか。", "{v}の計画上の人員は何人でしょうか。"),
        ("{v} planned headcount", "How many people are planned for the {v}?", "What's the headcount plan for the {v}?", "Planned staff number of the {v}, please."),
    ),
}  # fmt: skip
