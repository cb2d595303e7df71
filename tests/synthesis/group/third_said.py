"""A third set of sentences, written by somebody who had not read the product: terse, chatty, formal.

Every other wording belongs to half 2, the rest to half 3, which is kept aside. Placeholders as in `said`.
"""

from __future__ import annotations

from .said import Both

FIGURES: dict[str, Both] = {
    "sum": (
        ("{Pの}{F}{N}、トータルでどのくらい？", "{F}{N} 合計 {P}", "{Pの}{F}{N}を合算するとどうなりますか。",
         "お疲れさまです。{Pの}{F}{N}の合計値を出してもらえますか。", "{P} {F}{N} 総計", "{Pの}{F}{N}の総合計をお願いします。",
         "{F}{N}について、{Pの}合計を確認したいです。", "役員会の資料に使うので、{Pの}{F}{N}のトータルをお願いします。",
         "{Pの}{F}{N}って全部合わせてどれくらいですか？", "{Pにおける}{F}{N}の合計を示してください。",
         "{Pは}{F}{N}が全体でどれだけありましたか。", "{F}{N}の合計を{Pで}お願いします。"),
        ("Show me the total {N} {F} {P}.", "{N} {F} {P} - grand total", "Could you pull the total {N} {F} {P} for me?",
         "{N} total {F} {P}", "I'm preparing the board pack: what is the {N} {F} {P} altogether?", "Sum up the {N} {F} {P}.",
         "{P}, how much was the {N} {F} overall?", "Hi, quick question: what does the {N} {F} come to {P}?",
         "What did the {N} {F} amount to {P}, all told?", "Let me know the total {N} {F} {P}.",
         "{F}, what was the {N} {P} in total?", "Please work out the combined {N} {F} {P}."),
    ),
    "avg": (
        ("{Pの}{F}{N}、平均すると？", "{F}{N} 平均 {P}", "{Pにおける}{F}{N}の平均値をお願いします。", "{Pの}{F}{N}の平均を算出してください。",
         "{F}{N}って{Pは}平均どれくらい？", "参考までに{Pの}{F}{N}の平均を知りたいです。", "{Pの}{F}{N}の平均、出せますか。", "{P} {F}{N}の平均値",
         "{Pの}{F}{N}は平均してどの程度でしょうか。", "すみません、{Pの}{F}{N}の平均値っていくつでしたっけ？"),
        ("What's the average {N} {F} {P}?", "avg {N} {F} {P}", "Show me the mean {N} {F} {P}.", "{N} {F} {P}, average",
         "Could you calculate the average {N} {F} {P}?", "{P}, what did the {N} {F} average?",
         "Hello, I'd like to know the average {N} {F} {P}.", "{F}, how much was the average {N} {P}?",
         "What does the {N} {F} average out at {P}?", "Please provide the mean value of the {N} {F} {P}."),
    ),
    "max": (
        ("{Pの}{F}{N}で一番大きい値は？", "{F}{N} 最大 {P}", "{Pにおける}{F}{N}の最大値をお願いします。", "{Pの}{F}{N}のピーク値を見せてください。",
         "{Pの}{F}{N}、いちばん高いものでいくらですか。", "{F}{N}は{Pは}最も大きくてどれくらいでしたか。", "{P} {F}{N} MAX", "{Pの}{F}{N}の最高はどの程度でしょうか。",
         "{Pの}{F}{N}の中で最大のものはいくつでしょう？", "監査で使います。{Pの}{F}{N}の最大の値を教えてください。"),
        ("Show me the largest {N} {F} {P}.", "highest {N} {F} {P}", "{P}, what was the biggest {N} {F}?", "maximum {N}, {F} {P}",
         "Could you find the single highest {N} {F} {P}?", "What did the {N} {F} peak at {P}?",
         "For the audit file: the maximum {N} {F} {P}, please.", "What's the top value for {N} {F} {P}?",
         "What was the greatest {N} recorded {F} {P}?", "I'd like to see the highest single {N} {F} {P}."),
    ),
    "min": (
        ("{Pの}{F}{N}で一番小さい値は？", "{F}{N} 最小 {P}", "{Pにおける}{F}{N}の最小値をお願いします。", "{Pの}{F}{N}、いちばん低いものでいくらですか。",
         "{F}{N}は{Pは}最も小さくてどれくらいでしたか。", "{P} {F}{N} MIN", "{Pの}{F}{N}の最低はどの程度でしょうか。", "{Pの}{F}{N}の中で最小のものはいくつでしょう？",
         "監査で使います。{Pの}{F}{N}の最小の値を教えてください。", "{Pの}{F}{N}の下限の実績値を見せてください。"),
        ("Show me the smallest {N} {F} {P}.", "lowest {N} {F} {P}", "{P}, what was the smallest {N} {F}?", "minimum {N}, {F} {P}",
         "Could you find the single lowest {N} {F} {P}?", "What's the bottom value for {N} {F} {P}?",
         "For the audit file: the minimum {N} {F} {P}, please.", "How low did the {N} {F} go {P}?",
         "What was the least {N} recorded {F} {P}?", "I'd like to see the lowest single {N} {F} {P}."),
    ),
    "count": (
        ("{Pの}{F}{N}って何{C}？", "{F}{N} 全部で何{C} {P}", "{Pの}{F}{N}が全部で何{C}あるか知りたいです。", "{Pにおける}{F}{N}の総数をお願いします。",
         "{F}{N}、{Pは}何{C}でしたか。", "{Pの}{F}{N}は合計何{C}になりますか。", "{P} {F}{N} 何{C}", "{Pの}{F}{N}をカウントしてもらえますか。",
         "{Pの}{F}{N}の数はどれくらいでしょうか。", "報告用に{Pの}{F}{N}の数を確認させてください。"),
        ("How many {N} {F} do we have {P}?", "{N} {F} {P} - how many?", "Show me the number of {N} {F} {P}.", "count of {N} {F} {P}",
         "{P}, how many {N} {F} did we have?", "Please count all {N} {F} {P}.", "Could you check the number of {N} {F} {P}?",
         "What's our total count of {N} {F} {P}?", "{F}, how many {N} were there {P}?", "I need to report how many {N} {F} there were {P}."),
    ),
    "share": (
        ("{Pの}{N}のうち、{F}割合は何％？", "{P} {N}に占める{F}比率", "{Pの}{N}全体に占める{F}割合を教えてください。", "{Pの}{N}に対する{F}構成比をお願いします。",
         "{Pの}{N}の何パーセントが{F}ものですか。", "{Pの}{N}に占める{F}シェアはどれくらいですか。", "{N}に占める{F}ウエイトは{Pは}何％でしたか。",
         "{Pの}{N}、{F}分は全体の何％ですか？"),
        ("What share of the {N} {P} was {F}?", "{F}: share of total {N} {P}", "What percentage of our {N} {P} was {F}?",
         "Out of the whole {N} {P}, what proportion was {F}?", "How many percent of the {N} {P} was {F}?",
         "Show me what portion of the total {N} {P} was {F}, in percent.", "{P}, what percent of the {N} was {F}?",
         "As a percentage of total {N} {P}, how much was {F}?"),
    ),
}  # fmt: skip
GROUPED: dict[str, Both] = {
    "list": (
        ("{Pの}{F}{N}を{G}別に一覧にしてください。", "{G}別 {F}{N} {P}", "{Pの}{F}{N}、{G}ごとの内訳をお願いします。", "{Pの}{F}{N}を{G}単位で見たいです。",
         "{G}ごとに{Pの}{F}{N}を出してもらえますか。", "{Pは}{F}{N}が{G}別でどう分かれていますか？", "{P} {F}{N} {G}ごと", "{Pの}{F}{N}を{G}で分けるとどうなりますか。",
         "会議で使うので、{Pの}{F}{N}を{G}別の表にしてください。", "{Pにおける}{G}別の{F}{N}を確認したい"),
        ("Show me {N} {F} {P} split by {G}.", "{N} per {G} {F} {P}", "I'd like a breakdown of {N} {F} by {G} {P}.", "{P}: {N} {F} by {G}",
         "For each {G}, what was the {N} {F} {P}?", "Can you list the {N} {F} {P} for every {G}?", "{N} {F} {P}, grouped by {G}",
         "How does the {N} {F} break out by {G} {P}?", "Table of {N} {F} by {G} {P}, please.", "Go through the {Gs} one by one: {N} {F} {P}?"),
    ),
    "top": (
        ("{Pの}{F}{N}が多い順に{G}を上位{K}件お願いします。", "{F}{N} {G} トップ{K} {P}", "{Pに}{F}{N}が大きかった{G}ベスト{K}を教えてください。",
         "{Pの}{F}{N}で上から{K}番目までの{G}は？", "{G}を{Pの}{F}{N}の大きい順に{K}つ見せて", "{Pの}{F}{N}の上位{K}{G}を知りたいです。",
         "{P} {F}{N} 上位{K} {G}別", "{Pの}{F}{N}ランキング、{G}の1位から{K}位までをお願いします。", "{Pの}{F}{N}が多い{G}トップ{K}ってどれ？",
         "{Pにおける}{F}{N}の{G}別ベスト{K}を出してください。"),
        ("Show me the top {K} {Gs} for {N} {F} {P}.", "{K} biggest {Gs} by {N} {F} {P}", "Give me our {K} leading {Gs} by {N} {F} {P}.",
         "{P}, what were the {K} {Gs} with the most {N} {F}?", "top {K} {Gs} {N} {F} {P}", "Sort the {Gs} by {N} {F} {P} and show the first {K}, highest first.",
         "Who are the top {K} among the {Gs} when it comes to {N} {F} {P}?", "{N} {F} {P}: the {K} highest {Gs}",
         "Could you rank the {Gs} by {N} {F} {P} and keep the best {K}?", "I only need the {K} {Gs} that rank highest on {N} {F} {P}."),
    ),
    "bottom": (
        ("{Pの}{F}{N}が少ない順に{G}を{K}件お願いします。", "{F}{N} {G} ワースト{K} {P}", "{Pに}{F}{N}が小さかった{G}を下から{K}つ教えてください。",
         "{Pの}{F}{N}で下から{K}番目までの{G}は？", "{G}を{Pの}{F}{N}の小さい順に{K}つ見せて", "{Pの}{F}{N}の下位{K}{G}を知りたいです。",
         "{P} {F}{N} 下位{K} {G}別", "{Pの}{F}{N}ランキングの最下位から{K}つの{G}をお願いします。", "{Pの}{F}{N}が少ない{G}、下位{K}つってどれ？",
         "{Pにおける}{F}{N}の{G}別ワースト{K}を出してください。"),
        ("Show me the bottom {K} {Gs} for {N} {F} {P}.", "{K} smallest {Gs} by {N} {F} {P}", "Give me the {K} {Gs} with the lowest figures for {N} {F} {P}.",
         "{P}, what were the {K} {Gs} with the least {N} {F}?", "bottom {K} {Gs} {N} {F} {P}", "Sort the {Gs} by {N} {F} {P} and show the first {K}, lowest first.",
         "Who are the last {K} among the {Gs} when it comes to {N} {F} {P}?", "{N} {F} {P}: the {K} lowest {Gs}",
         "Could you rank the {Gs} by {N} {F} {P} and keep the {K} at the bottom?", "I only need the {K} {Gs} that rank lowest on {N} {F} {P}."),
    ),
    "label": (
        ("{Pの}{F}{N}がいちばん多い{G}を知りたいです。", "{F}{N} 最多の{G} {P}", "{Pに}{F}{N}がトップだった{G}はどれですか。", "{Pの}{F}{N}でナンバーワンの{G}は？",
         "{G}別に見て{Pの}{F}{N}が最も大きいのはどれ？", "{Pの}{F}{N}が首位の{G}をお願いします。", "{Pは}どの{G}が{F}{N}で一番でしたか。", "{P} {F}{N} 1位の{G}",
         "{Pの}{F}{N}が最高だった{G}を調べてもらえますか。", "{G}の中で{F}{N}が{Pに}最大だったのはどれでしょうか。"),
        ("Which {G} came out on top for {N} {F} {P}?", "{G} with highest {N} {F} {P}", "Show me the {G} that had the biggest {N} {F} {P}.",
         "{P}, which {G} recorded the largest {N} {F}?", "Who's our number one {G} by {N} {F} {P}?", "best {G} by {N} {F} {P}",
         "Of all {Gs}, which had the most {N} {F} {P}?", "Can you tell me the leading {G} in terms of {N} {F} {P}?",
         "Where was the {N} {F} highest {P}, by {G}?", "I'm looking for the {G} ranking first on {N} {F} {P}."),
    ),
    "least": (
        ("{Pの}{F}{N}がいちばん少ない{G}を知りたいです。", "{F}{N} 最少の{G} {P}", "{Pに}{F}{N}が最下位だった{G}はどれですか。", "{Pの}{F}{N}が最も低調な{G}は？",
         "{G}別に見て{Pの}{F}{N}が最も小さいのはどれ？", "{Pの}{F}{N}が最低の{G}をお願いします。", "{Pは}どの{G}が{F}{N}で一番下でしたか。", "{P} {F}{N} 最下位の{G}",
         "{Pの}{F}{N}が最低だった{G}を調べてもらえますか。", "{G}の中で{F}{N}が{Pに}最小だったのはどれでしょうか。"),
        ("Which {G} came in at the bottom for {N} {F} {P}?", "{G} with lowest {N} {F} {P}", "Show me the {G} that had the smallest {N} {F} {P}.",
         "{P}, which {G} recorded the least {N} {F}?", "Who's our last-placed {G} by {N} {F} {P}?", "weakest {G} by {N} {F} {P}",
         "Of all {Gs}, which had the lowest {N} {F} {P}?", "Can you tell me the {G} at the very bottom in terms of {N} {F} {P}?",
         "Where was the {N} {F} lowest {P}, by {G}?", "I'm looking for the {G} ranking last on {N} {F} {P}."),
    ),
}  # fmt: skip
COMPARED: dict[str, Both] = {
    "compare": (
        ("{Pの}{N}について、{A}と{B}を並べて見せてください。", "{A} {B} {N} 比較 {P}", "{Pの}{N}は{A}と{B}のどちらが上ですか。", "{A}と{B}、{Pの}{N}をそれぞれお願いします。",
         "{Pの}{N}を{A}・{B}で対比したいです。", "{A}と{B}で{Pの}{N}にどれくらい差がありますか？", "{P} {N} {A}と{B}", "{Pの}{N}、{A}と{B}ではいくらずつですか。",
         "{Pの}{N}で{A}は{B}と比べてどうでしょう。", "{Pにおける}{A}と{B}の{N}の比較をお願いできますか。"),
        ("Show me {A} against {B} for {N} {P}.", "{A} versus {B} {N} {P}", "{P}, how did {A} and {B} compare on {N}?", "Put the {N} of {A} next to that of {B} {P}.",
         "Which is bigger in {N} {P}, {A} or {B}?", "{N} {A} and {B} {P}", "Can I see the {N} for both {A} and {B} {P}?",
         "What's the gap in {N} between {A} and {B} {P}?", "{A} and {B} side by side: {N} {P}", "How much {N} came from {A} and how much from {B} {P}?"),
    ),
    "periods": (
        ("{F}{N}を{A}と{B}で並べて見せてください。", "{F}{N} {A} {B} 比較", "{F}{N}、{A}と{B}はそれぞれどれくらいでしたか。", "{A}の{F}{N}と{B}の{F}{N}を教えてください。",
         "{F}{N}は{A}と{B}のどちらが大きいですか。", "{B}の{F}{N}を{A}と対比してください。", "{A}と{B}で{F}{N}を見比べたいです。", "{F}{N}、{A}はいくらで{B}はいくら？",
         "{A}対{B}で{F}{N}の比較表をお願いします。", "{B}の{F}{N}は{A}に対してどうなりましたか。"),
        ("Show me {N} {F} for {A} and {B} side by side.", "{N} {F}, {A} compared with {B}", "How much was the {N} {F} in {A}, and how much in {B}?",
         "{A} vs. {B}: {N} {F}", "Can you put the {N} {F} in {B} against {A}?", "Give me the {N} {F} for both {A} and {B}.",
         "In which of {A} and {B} was the {N} {F} larger?", "I want to compare {A} and {B} on {N} {F}.",
         "Between {A} and {B}, when was the {N} {F} bigger?", "{N} {F} in {B} relative to {A}, please."),
    ),
    "change": (
        ("{F}{N}、{A}から{B}で何パーセント増減しましたか。", "{F}{N} 増減率 {A}→{B}", "{A}対比で{B}の{F}{N}は何％伸びましたか、それとも減りましたか。", "{F}{N}の成長率を{A}から{B}でお願いします。",
         "{B}の{F}{N}は{A}から何％動きましたか。", "{A}と比べた{B}の{F}{N}の増減額を教えてください。", "{F}{N}が{A}から{B}にかけてどれだけ変わったか知りたいです。", "{B}の{F}{N}の{A}に対する変化率は？",
         "{F}{N}の{A}→{B}の伸びを％で見せてください。", "{A}から{B}への{F}{N}の変動幅をお願いします。"),
        ("What was the percentage growth in {N} {F} from {A} to {B}?", "{N} {F} growth {A} to {B}, %", "How much did {N} {F} go up or down from {A} to {B}?",
         "By what percentage did the {N} {F} in {B} differ from {A}?", "% change of {N} {F}: {A} -> {B}", "How far did the {N} {F} move between {A} and {B}?",
         "Show me the growth of {N} {F} in {B} over {A}.", "Compared with {A}, by how much did the {N} {F} rise or fall in {B}?",
         "Could you work out the change in {N} {F} from {A} to {B}?", "{A} to {B}: increase or decrease in {N} {F}, in percent?"),
    ),
    "trend": (
        ("{Pの}{F}{N}の推移を{M}でお願いします。", "{F}{N} {M} 推移 {P}", "{Pの}{F}{N}が{G}ごとにどう動いたか見せてください。", "{G}単位で{Pの}{F}{N}を並べてください。",
         "{Pの}{F}{N}の動きを{G}ごとに追いたいです。", "{Pの}{F}{N}を{M}に時系列で出してもらえますか。", "{P} {F}{N} {M}", "{F}{N}、{G}ごとの変遷を{Pで}お願いします。",
         "{Pの}{F}{N}は{G}別にどう変化していますか？", "{Pの}{F}{N}の{M}の数字を一覧で確認したい"),
        ("Show me how {N} {F} moved {M} {P}.", "{N} {F} over time by {G} {P}", "I'd like the {N} {F} for every {G} {P}.", "{N} {F} {P}, {M}",
         "Plot the {N} {F} {G} by {G} {P}.", "Can you list the {N} {F} {P} for each {G} in order?", "{P}, how has the {N} {F} evolved {M}?",
         "{G}-by-{G} {N} {F} {P}", "What does the {M} series of {N} {F} look like {P}?", "Please give the {N} {F} {M} {P}."),
    ),
}  # fmt: skip
SAID: dict[str, Both] = FIGURES | GROUPED | COMPARED

QUOTED: Both = (
    ("{q}", "{q}", "{q}根拠となる文書も示してください。", "すみません、{q}", "「{t}」の内容を確認したいです。{q}", "規程にあると思いますが、{q}",
     "{t}では、{q}", "文書の原文で見たいです。{q}"),
    ("{q}", "{q}", "Hi, {q}", "Quick one from HR: {q}", "Please look this up in the {t}: {q}", "I need the exact wording: {q}",
     "{q} Please cite the document.", "What do our rules say: {q}"),
)  # fmt: skip
EDGE_SAID: dict[str, Both] = {
    ">": (
        ("{n}が{v}を上回る", "{n}が{v}超の", "{v}より大きい{n}の", "{n}で{v}を超えた"),
        ("whose {n} exceeds {v}", "with {n} greater than {v}", "having {n} higher than {v}", "with {n} exceeding {v}"),
    ),
    ">=": (
        ("{n}が{v}以上の", "{n}が少なくとも{v}の", "{v}以上の{n}の", "{n}が{v}かそれ以上の"),
        ("with {n} at least {v}", "with {n} being {v} or more", "whose {n} is {v} or higher", "having {n} no less than {v}"),
    ),
    "<": (
        ("{n}が{v}を下回る", "{n}が{v}に満たない", "{v}未満の{n}の", "{n}で{v}に届かない"),
        ("whose {n} is less than {v}", "with {n} lower than {v}", "having {n} smaller than {v}", "whose {n} falls short of {v}"),
    ),
    "<=": (
        ("{n}が{v}以下の", "{n}が最大でも{v}の", "{v}以下の{n}の", "{n}が{v}以内の"),
        ("with {n} at most {v}", "with {n} being {v} or less", "whose {n} is {v} or lower", "having {n} no more than {v}"),
    ),
}  # fmt: skip
EXCEPT_SAID: Both = (
    ("{v}以外の", "{v}を除く", "{v}を除いた", "{v}を含めない", "{v}抜きの", "{v}は除外した", "{v}を外した", "{v}を対象外とした"),
    ("excluding {v}", "except {v}", "other than {v}", "apart from {v}", "not counting {v}", "leaving out {v}", "without {v}", "with the exception of {v}"),
)  # fmt: skip
"""How a value is left out; `{v}` is the value as a thing (`third_nouns.NAMED`)."""
AVERAGE: Both = (
    ("{N}の平均", "{N}の平均値"),
    ("average {N}", "mean {N}", "avg {N}", "average {N}"),
)
TOTAL: Both = (("{N}",), ("combined {N}", "overall {N}", "aggregate {N}", "total {N}"))
GRAIN_WORDS: dict[str, tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]] = {
    "month": (
        (("月", "月別"), ("月", "月ごと")),
        (("month", "month by month"), ("month", "on a monthly basis")),
    ),
    "quarter": (
        (("四半期", "四半期別"), ("四半期", "四半期ごと")),
        (("quarter", "quarter by quarter"), ("quarter", "on a quarterly basis")),
    ),
    "fiscal_year": (
        (("年度", "年度別"), ("年度", "年度ごと")),
        (("fiscal year", "by fiscal year"), ("fiscal year", "fiscal year by fiscal year")),
    ),
}
