"""The words of questions, in English and Japanese: operations, order, comparison, and what says nothing.

A question is only planned when every word of it is understood: a word on none of these lists, in no name and
in no cell of the caller's, ends the planning. That is what keeps a plain planner from answering another
question than the one that was asked.
"""

from __future__ import annotations

import re
from typing import Final

OPERATIONS: Final[tuple[tuple[str, str], ...]] = (
    ("limit-desc", r"\b(?:top|highest|largest|best)\s+(?P<n>\d{1,3}|two|three|four|five|ten)\b"),
    ("limit-asc", r"\b(?:bottom|lowest|smallest|worst)\s+(?P<n>\d{1,3}|two|three|four|five|ten)\b"),
    ("limit-desc", r"\b(?P<n>\d{1,3}|two|three|four|five|ten)\s+(?:top|highest|largest|biggest|best|strongest|leading)\b(?:[- ]selling\b)?"),
    ("limit-asc", r"\b(?P<n>\d{1,3}|two|three|four|five|ten)\s+(?:lowest|smallest|worst|weakest)\b"),
    ("limit-desc", r"(?:上位|トップ|ベスト)の?\s*(?P<n>\d{1,3})(?:(?:位|件|社|名|人|つ|個|店舗?|品目|商品|拠点|部署|都市)(?!別|ごと|毎))?(?:まで)?"),
    ("limit-asc", r"(?:下位|ワースト)の?\s*(?P<n>\d{1,3})(?:(?:位|件|社|名|人|つ|個|店舗?|品目|商品|拠点|部署|都市)(?!別|ごと|毎))?(?:まで)?"),
    ("limit-desc", r"(?:多い|大きい|高い)順に?(?:上位)?\s*(?P<n>\d{1,2})(?:(?:つ|件|社|名|人|個|位)(?!別|ごと|毎))?|上から\s*(?P<n2>\d{1,2})(?:つ|件|社|名|人|個|位)?"),
    ("limit-asc", r"(?:少ない|小さい|低い)順に?\s*(?P<n>\d{1,2})(?:(?:つ|件|社|名|人|個|位)(?!別|ごと|毎))?|下から\s*(?P<n2>\d{1,2})(?:つ|件|社|名|人|個|位)?"),
    ("limit-desc", r"\btop-(?P<n>\d{1,2})\b"),
    ("growth", r"\b(?:growth(?: rate)?|rate of (?:change|increase)|year[- ]on[- ]year|year[- ]over[- ]year|yoy|percent(?:age)? change|grow|grew|grown|by (?:how many percent|what percentage)|(?:by )?how many percent|percent(?:age)? growth)\b"
               r"|前年(?:度|同期|同月)?比|伸び率|伸び(?:を(?:%|パーセント)で)?|成長率|増減率|増加率|変化率|何(?:%|パーセント)(?:変化|増減|増加|減少|伸び|増え|減り)"),
    ("share", r"\b(?:what (?:share|percentage|proportion|percent|fraction)|share|percentage|proportion|percent|how many percent)\s+of\b"
              r"|構成比|割合|比率|シェア|何(?:%|パーセント)"),
    ("difference", r"\b(?:difference|change in|gap|how much (?:more|less|higher|lower))\b|差額|増減額?|差(?![一-龯])|どれだけ(?:増えましたか?、?(?:または|あるいは)?減りましたか?|多|増え|減り|増|減)"),
    ("compare", r"\b(?:compare[ds]?|comparison|versus|vs\.?|compared (?:to|with)|against|side by side|respectively|separately|both|and (?=(?:for|in|of|from|by|via)\b)|(?:higher|lower|larger|smaller|bigger|greater|fewer|more|less)(?=.*\bor\b))\b|比較|比べ|並べて|対比|違い|それぞれ"),
    ("by-fiscal", r"\bfiscal[- ]year(?:ly)?\b(?!\s*\d)|年度(?:の)?(?=推移|トレンド)"),
    ("by-month", r"月の?(?=推移|トレンド)|\b(?:which|what) month\b|月(?=(?:は|を|が)(?:どれ|どこ|いつ|教)|を教え|は[?？]|はいつ|[?？]?$)"),
    ("by-quarter", r"四半期の?(?=推移|トレンド)|\b(?:which|what) quarter\b"),
    ("by-year", r"年の?(?=推移|トレンド)"),
    ("trend", r"\b(?:trends?|over time|develop(?:ed|ment)?|evol(?:ve|ved|ution)|moved|changed over)\b|推移|トレンド|動向|動き|どう(?:動い|変化し|変わっ|推移し)(?:た|て(?:いる|いるか|います))?か?"),
    ("by-fiscal", r"\b(?:(?:by|per|each|every|for each)\s+fiscal year)\b|年度(?:別|ごと|毎)"),
    ("by-month", r"\b(?:monthly|month[- ]by[- ]month|(?:by|per|each|every|for each|for every)\s+(?:calendar )?month)\b|月(?:別|ごと|毎|次)|各月"),
    ("by-quarter", r"\b(?:quarterly|quarter[- ]by[- ]quarter|(?:by|per|each|every|for each|for every)\s+quarter)\b|四半期(?:別|ごと|毎)|各四半期"),
    ("by-year", r"\b(?:yearly|annual(?:ly)?|year[- ]by[- ]year|(?:by|per|each|every|for each)\s+(?:calendar )?year)\b|年(?:別|ごと|毎|次)"),
    ("distinct", r"\b(?:distinct|unique|different|separate)\b|異なる|ユニークな?|重複なし"),
    ("count", r"\b(?:how many|number of|(?:what is |what's )?the count of|count(?: of)?|total number of)\b"
              r"|件数|何件(?:ある)?か?|何個|何社|何名|何人|何店舗|何種類|何台|何本|何品目|いくつ|人数|社数|店舗数|個数|総数|数(?=[はをがの?？。]|$|教|知)"),
    ("avg", r"\b(?:average|mean|avg|on average|typical(?:ly)?)\b|平均(?:的な|値|すると|して)?"),
    ("max", r"\b(?:highest|largest|biggest|greatest|maximum|max|most(?: expensive)?|best|top|leading|leads?|largest single|single (?:largest|biggest|highest)|peak)\b(?:[- ]selling\b)?"
            r"|\bnumber one\b|一番(?=で|だ|[?？。]|$)|最大(?:値|の値)?|最高(?:値|額)?|最多|ピーク|(?:最も|一番|もっとも|いちばん)(?:大き(?:い|な|かった|く)?|高(?:い|かった|く)?|多(?:い|かった|く)?)|トップ|首位"),
    ("min", r"\b(?:lowest|smallest|minimum|min|least(?: expensive)?|fewest|cheapest|worst)\b"
            r"|最下位|最小(?:値)?|最低(?:値|額)?|最少|(?:最も|一番|もっとも|いちばん)(?:小さ(?:い|な|かった|く)?|低(?:い|かった|く)?|少な(?:い|かった|く)?|安(?:い|かった|く)?)"),
        ("many", r"\b(?:more|most to least|descending|in descending order)\b|(?:多い|大きい|高い)順?"),
    ("few", r"\b(?:less|ascending|in ascending order)\b|(?:少ない|小さい|低い|安い)順?"),
("sum", r"\b(?:totals?|sum(?: of)?|overall|altogether|in all|in total|combined|aggregate|sum up|cumulative|all told|all together|sum total|summed|added up|adds? up(?: to)?|comes? to|tally|grand total|entire|whole)\b|合計(?:額|値|すると|して)?|合算(?:すると|して)?|通算|総和|総計|累計|トータル|総額|全部で|全体で|合わせて|(?<=の)計(?=[はをが?？。]|$)|総(?=[一-龯])"),
    ("list", r"\b(?:list|table of|which are|what are)\b|一覧|表に|表で|リスト(?:アップ)?|列挙|挙げ"),
    ("much", r"\bhow (?:much|big|large|high|small|low|long|heavy)\b|いくら|どれ(?:くらい|ぐらい|ほど)|どの(?:くらい|ぐらい|程度)|どれだけ"),
    ("when", r"\bwhen\b|いつ"),
    ("which", r"\b(?:who or what|which|who|whose)\b|どの|どれ|どこ|どちら|誰|だれ"),
    ("name", r"\Aname the\b"),
    ("what", r"\bwhat\b|何(?=[がはをで])"),
    ("each", r"\b(?:by|per|for each|for every|each|every|broken down by|split (?:up )?by|grouped by|segmented by|broken out by|categori[sz]ed by|organi[sz]ed by|break ?down (?:by|into)|across|in terms of|for all)\b|別に見て|別に分けて|別|ごとに分けて|ごと|毎(?!年)|各|単位で?|内訳"),
    ("some", r"\b(?P<n>\d{1,2}|two|three|four|five|ten)(?=\s+[a-z])|(?P<n2>\d{1,2})\s*(?:つ|社|名|件|個|店舗|品目|拠点|か所)(?=の|を|[?？。]?$)"),
    ("or", r"(?<!\bwho )\bor\b|または|もしくは|あるいは|若しくは"),
    ("except", r"\b(?:except(?: for)?|excluding|other than|apart from|leaving out|not counting|not including)\b|以外|を?除(?:く|いた|いて|き)|を?外(?:した|して|す)|抜き(?=の)"),
)  # fmt: skip
"""What each phrase asks for; earlier entries win where two begin at one place and are equally long."""

BOUNDS: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "before",
        ">",
        r"\b(?:over|above|more than|greater than|higher than|exceed(?:s|ed|ing)?|larger than)\s*$",
    ),
    ("before", ">=", r"\b(?:at least|no less than|not less than|minimum of)\s*$"),
    ("before", "<", r"\b(?:under|below|less than|lower than|fewer than|smaller than)\s*$"),
    ("before", "<=", r"\b(?:at most|no more than|not more than|up to)\s*$"),
    ("after", ">=", r"\s*(?:以上|or more|or above)"),
    ("after", "<=", r"\s*(?:以下|or less|or below)"),
    ("after", "<", r"\s*(?:未満|を下回る|より(?:小さい|少ない|低い|安い))"),
    ("after", ">", r"\s*(?:超え?|を(?:超える|上回る)|より(?:大きい|多い|高い))"),
)
NUMBER: Final = re.compile(
    r"(?P<sign>(?<![0-9a-z)])(?:[-−△▲]|\bminus\s|マイナス)\s?)?(?P<mark>[¥$€])?(?P<n>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s?(?P<scale>万|億|千|thousand|million|billion|k\b|m\b)?"
    r"\s?(?P<unit>円|yen|jpy|ドル|usd|dollars?|個|件|units?|pieces?|%|パーセント|percent|時間|hours?|日|days?|kg|台|本|人|名)?"
)
SCALES: Final = {
    "万": 10**4, "億": 10**8, "千": 1000, "thousand": 1000, "million": 10**6, "billion": 10**9, "k": 1000, "m": 10**6,
}  # fmt: skip
UNITS: Final[dict[str, tuple[str, int]]] = {
    **dict.fromkeys(("円", "yen", "jpy", "¥"), ("yen", 1)), "千円": ("yen", 1000), "百万円": ("yen", 10**6),
    "億円": ("yen", 10**8), **dict.fromkeys(("$", "ドル", "usd", "dollar", "dollars"), ("dollar", 1)),
    **dict.fromkeys(("€", "eur", "ユーロ"), ("euro", 1)), **dict.fromkeys(("%", "パーセント", "percent"), ("%", 1)),
    **dict.fromkeys(("個", "unit", "units", "piece", "pieces", "pcs", "台", "本"), ("piece", 1)),
    **dict.fromkeys(("人", "名", "people", "persons"), ("person", 1)), **dict.fromkeys(("件", "cases"), ("case", 1)),
    **dict.fromkeys(("時間", "hour", "hours", "h"), ("hour", 1)), **dict.fromkeys(("日", "day", "days"), ("day", 1)),
}  # fmt: skip
"""Units as they are written: what they are of, and how many of the bare unit one is."""
COUNTS: Final = {"two": 2, "three": 3, "four": 4, "five": 5, "ten": 10}

SILENT: Final = frozenset(
    """
    's a about all also amount amounted amounts an and answer any are as at based be been being belong
    belonging belongs between booked breakdown bring brought calculate came can come compute
    contain contains could currently data did display do does during earned entries entry exist     exists far figure figures find for from generate generated get give go had happen has have having
    held how hub i i'd if in into is it it's its just know let like located look looking made make makes
    may me might much must my need now of on our out overview period placed please produce provide
    provided question rank reach reached received record recorded records registered report result
    results return row rows s see shall show single so source summarise summarize summary taken
    tell that the their them then there these they this those to up us using value values via want
    was we went were what what's when where whole will with hi hello hey thanks thank kindly quickly quick exactly actually roughly approximately fetch retrieve check lookup query run obtain
    interested curious help confirm verify advise send specify print output snapshot view picture logged posted
    wanted like love dear team pull find found handled keep put work within wondering would you your
    """.split()
)
"""English words without which a question stays the same question. `amount` may be a name; names come first."""
SILENT_JA: Final = re.compile(
    r"(?:お聞き|伺い|確認|把握|報告)したい(?:です|のですが)?|聞きたい(?:です)?|見たい(?:です)?|どうなって(?:いますか|いる|る)|おいくら|ざっと|だいたい|ちなみに|すみません(?:が)?|恐れ入りますが|お手数ですが|至急|急ぎで|出力して|抽出して|算出して|提示して|回答して|(?:わか|分か)り(?:ます|ました)か|(?:わか|分か)る|よろしく(?:お願いします)?|(?:して)?(?:もらえ|いただけ|頂け)(?:ますか|ないでしょうか)?|(?:確認|把握)?した(?:い|く)(?:です)?|たいです|たい(?![一-龯])|ほしい|欲しい|でしょう|になりますか|なりますか|どうなりますか|なります|って(?:全部)?|に?占める|に見て|類|ランキング|順位|順に|しました|し(?=[まて])|せよ|出せ|求む|知る|何円|いくつ|(?:ど|そ)のように|まとめて|表示して|一覧にして|数えて|かけて|経由|平均する|でしょうか|ましょうか|ください|下さい|教えて|おしえて|知りたい|お願いします|お願い|示して|見せて|出して|計算して|集計して|求めて|調べて"
    r"|になります|となります|になっています|でしたか|ですか|ますか|ましたか|でした|です|ました|ます|ますが|だった|だ|である|であった"
    r"|について|に関する|における|において|に対する|に対して|による|によって|に関して|として|という|とは|それぞれ|の中で|のうち|の中|全て|すべて|全体"
    r"|あります|ありました|ある|あった|いる|いた|いくら|何|なに|どれ|どう|登録されて|登録|されて|され|した|して|する|なった|なって|なる|いう|所属(?:する|している)?|時点|期間|現在"
    r"|から|まで|より|など|ほど|くらい|ぐらい|また|および|及び|その|この|金額|値|情報|データ|件|円|額|分|中|内|て(?![一-龯])"
    r"|[はがをにのでともへやかねよ、。,.?？!！・「」『』()（）:：\s~〜-]"
)
"""Japanese text without which a question stays the same question; matched where no name stands."""

PUNCTUATION: Final = frozenset(".,;:!?'\"()[]{}…·→“”‘’「」『』【】〈〉《》、。・‥–—―-~〜")
"""Marks without which a question stays the same question; any other mark is a word that nobody knows."""

NEGATIONS: Final = re.compile(
    r"\b(?:not|no|never|none|neither|nor|isn't|aren't|didn't|without)\b|ない|なかった|ません|ず(?=に)|未(?=[一-龯])|非(?=[一-龯])"
)
"""What turns a question round; a plain planner leaves such questions alone, unless a name holds the word."""

SYNONYMS: Final[tuple[frozenset[str], ...]] = tuple(
    frozenset(line.split(",")) for line in (
        "freight,freight cost,freight charge,freight bill,shipping cost,shipping fee,transport cost,delivery cost,輸送費,carriage,運賃,送料,配送費,運送費,配送料",
        "floor area,floor space,床面積,面積,広さ,延床面積",
        "limit,ceiling,cap,限度額,上限額,上限,限度",
        "channel,order channel,sales channel,ordering channel,チャネル,チャンネル,経路,販路",
        "priority,urgency,優先度,優先順位,プライオリティ,緊急度",
        "inspection,quality inspection,quality check,qa inspection,qc inspection,検査,検品,品質検査,品質チェック,製品検査",
        "grade,job grade,rank,position,job title,役職,職位,等級,ポジション,肩書",
        "carrier,courier,forwarder,freight company,transport company,haulier,logistics company,運送会社,運送業者,配送業者,配送会社,輸送会社",
        "weight,mass,重量,重さ",
        "hours spent,handling time,handling hours,time spent,resolution time,time spent handling,対応時間,処理時間,所要時間",
        "credit limit,credit line,credit ceiling,与信限度額,与信枠,与信上限,信用限度額",
        "launch date,release date,market date,発売日,販売開始日,リリース日",
        "hire date,joining date,start date,入社日,入社年月日,採用日",
        "unit cost,production cost,manufacturing cost,製造原価,原価,製造コスト",
        "planned staff,planned headcount,staffing plan,headcount plan,計画人員,計画人数,人員計画,要員計画",
        "expense type,expense category,cost type,type of expense,費目,経費区分,経費の種類",
        "staff,headcount,人員,人数,要員,人員数",
        "outcome,verdict,judgement,result,判定,結果",
        "sales,revenue,turnover,takings,net sales,売上実績,販売額,販売金額,販売高,売上,売上高,売り上げ,売上金額,売上額",
        "amount,value,sum,worth,金額,額",
        "quantity,qty,units,volume,pieces,units sold,unit quantity,number of units,数量,個数,台数,本数",
        "order,sales order,purchase,受注,注文,オーダー",
        "customer,client,account,buyer,purchaser,クライアント,カスタマー,お客さん,お得意様,お客さま,顧客,取引先,得意先,お客様,客先",
        "supplier,vendor,ベンダー,仕入先,サプライヤー,調達先,仕入れ先",
        "employee,staff,staff member,worker,personnel,team member,メンバー,従業員,社員,職員,スタッフ",
        "product,item,goods,sku,article,merchandise,product line,アイテム,プロダクト,商品,製品,品目,品",
        "region,area,territory,district,zone,geographic area,リージョン,ブロック,地域,エリア,地区,地方",
        "department,dept,division,team,section,部署,部門,部",
        "store,shop,outlet,branch,店舗,店,支店",
        "category,type,class,kind,family,タイプ,カテゴリ,カテゴリー,分類,区分,種別,種類",
        "price,unit price,プライス,価格,単価,値段",
        "cost,expense,spending,spend,outlay,expenditure,出費,支出額,費用,経費,コスト,支出",
        "stock,inventory,on hand,stock level,units in stock,stock on hand,inventory on hand,在庫量,ストック,在庫,在庫数,在庫数量",
        "annual salary,yearly salary,annual pay,yearly pay,annual compensation,yearly payroll,payroll,年収,年俸,年間給与,年間給与額,給与",
        "salary,pay,wage,給与,給料,賃金",
        "invoice,bill,請求,請求書",
        "payment,payout,支払,支払い,支払額",
        "project,案件,プロジェクト",
        "shipment,delivery,dispatch,consignment,発送,出荷便,配送便,出荷,配送,納品",
        "warehouse,depot,warehouse site,warehouse location,distribution centre,distribution center,物流センター,distribution warehouse,倉庫,物流倉庫",
        "return,返品",
        "budget,予算",
        "profit,利益",
        "status,state,stage,状態,ステータス,状況",
        "ticket,inquiry,enquiry,support ticket,support case,support request,service request,case,サポート依頼,お問い合わせ,問い合わせ,問合せ,チケット",
        "contract,agreement,契約",
        "country,国",
        "city,市,都市,所在地",
        "name,名称,名前,名",
        "manager,責任者,担当者,owner,person in charge,担当",
        "industry,sector,line of business,業種,業界,産業",
        "machine,equipment,設備,機械,装置",
        "plant,factory,site,工場,拠点",
        "defect,fault,不良,不具合",
        "defects,defect count,number of defects,不良数,不良品数,不良品の数,不良品の個数,不良個数",
        "list price,catalogue price,catalogue list price,定価,カタログ定価,カタログ価格",
        "budget amount,budgeted amount,budget allocation,予算額,予算の金額",
        "order amount,order value,order intake,受注金額,受注額,注文総額,注文金額",
        "production,output,生産,生産量,製造",
    )
)  # fmt: skip
"""Words that name the same thing in a company's tables; only a name that a table has is ever reached by one."""

GENERIC: Final = ("amount", "total", "value", "number", "data", "list", "master", "table", "records", "record", "jpy", "金額", "額", "一覧", "マスタ", "マスター", "表", "データ", "台帳", "明細", "名", "情報", "コード", "code", "id", "name", "数")  # fmt: skip
"""Endings a person leaves out: "sales" for "sales amount", "顧客" for "顧客マスタ"."""

HINTS: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern), hint)
    for pattern, hint in (
        (r"(?:sold|sell|selling)\b|売れた|売れて(?:いる)?|販売(?:した|された)?", "sales"),
        (r"(?:ordered|bought|purchased)\b|注文(?:した|された)|受注(?:した|された)|購入(?:した|された)|発注(?:した|された)", "order"),
        (r"(?:shipped|dispatched|sent)\b|出荷(?:した|された)|発送(?:した|された)", "shipment"),
        (r"delivered\b|納品(?:した|された)|配送(?:した|された)", "delivery"),
        (r"(?:hired|joined|employed)\b|入社(?:した|日)?|採用(?:した|された)", "hire"),
        (r"(?:billed|invoiced)\b|請求(?:した|された)", "invoice"),
        (r"paid\b|支払(?:った|われた|い済み)|入金(?:した|された)", "payment"),
        (r"(?:produced|manufactured)\b|生産(?:した|された)|製造(?:した|された)", "production"),
        (r"returned\b|返品(?:した|された)", "return"),
        (r"(?:opened|reported|filed|raised)\b|発生(?:した)?|報告(?:した|された)", "open"),
        (r"(?:spent)\b|使った|支出(?:した|された)", "cost"),
        (r"(?:signed)\b|締結(?:した|された)", "contract"),
        (r"(?:started|began|begin|start)\b|開始(?:した|された)", "start"),
    )
)  # fmt: skip
"""Words for what happened; the table or the date of a plan must bear the name that they hint at."""

BORNE_BY: Final[dict[str, tuple[str, ...]]] = {
    "sales": ("sale", "sell", "sold", "order", "revenue", "売", "販売", "受注", "注文"),
    "order": ("order", "sale", "bought", "buy", "purchas", "受注", "注文", "売上", "購入", "発注"),
    "shipment": ("ship", "dispatch", "sent", "出荷", "発送"),
    "delivery": ("deliver", "配送", "納品"),
    "hire": ("hire", "hiring", "join", "employ", "入社", "採用"),
    "invoice": ("invoice", "bill", "請求"),
    "payment": ("pay", "paid", "支払", "入金"),
    "production": ("produc", "manufactur", "生産", "製造"),
    "return": ("return", "返品"),
    "open": ("open", "report", "filed", "filing", "raise", "receiv", "発生", "報告", "受付"),
    "cost": ("cost", "expens", "spen", "費", "支出", "コスト"),
    "contract": ("contract", "sign", "契約", "締結"),
    "start": ("start", "begin", "began", "開始"),
}
"""What the name of a table or of a column holds that such an event is told by."""

AMOUNT_NOUNS: Final = frozenset(
    ("expense", "expenses", "spending", "costs", "sales", "revenue", "budget", "budgets", "経費", "費用", "売上", "売上高", "予算", "支出")
)  # fmt: skip
"""Names of tables that are themselves an amount of money."""
