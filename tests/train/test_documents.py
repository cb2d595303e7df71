"""Twins stay together; a row depends on its number alone; held-out tokens are counted once."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.errors import InputError
from mythos.train.documents import Corpus, Document, Feed, read_corpus
from mythos.units import Digest


def test_the_bundled_text_is_pairs_under_one_licence() -> None:
    corpus = read_corpus("bundled")
    languages: dict[str, set[str]] = {}
    for document in corpus.documents:
        languages.setdefault(document.id, set()).add(document.language)
    assert all(found == {"en", "ja"} for found in languages.values())
    assert len(languages) > 50


@given(st.lists(st.text(min_size=1), min_size=1, max_size=50, unique=True), st.floats(0.001, 0.5))
def test_twins_stay_on_one_side(ids: list[str], share: float) -> None:
    documents = tuple(Document(name, language, "x") for name in ids for language in ("en", "ja"))
    training, held = Corpus(documents, Digest.of(b"")).split(share)
    assert {d.id for d in training}.isdisjoint(d.id for d in held)
    assert sorted([*training, *held], key=repr) == sorted(documents, key=repr)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=20, unique=True), st.floats(0.001, 0.5))
def test_pages_of_one_twin_stay_on_one_side_whatever_their_ids_are(twins: list[str], share: float) -> None:
    documents = tuple(
        Document(f"{n}.{tongue}", tongue, "x", twin)
        for n, twin in enumerate(twins)
        for tongue in ("en", "ja")
    )
    training, held = Corpus(documents, Digest.of(b"")).split(share)
    assert {d.twin for d in training}.isdisjoint(d.twin for d in held)


def test_a_line_is_one_line_whatever_its_text_holds(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    row = {"id": "a.en", "language": "en", "text": "one\u2028two\x85three", "twin": "a"}
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8", newline="")
    assert read_corpus(str(path)).documents == (Document("a.en", "en", row["text"], "a"),)
    path.write_text(json.dumps(row | {"twin": 3}) + "\n")
    with pytest.raises(InputError):
        read_corpus(str(path))


def test_a_larger_share_holds_out_more_and_the_same() -> None:
    documents = tuple(Document(str(i), "en", "x") for i in range(1000))
    corpus = Corpus(documents, Digest.of(b""))
    small, large = (set(corpus.split(share)[1]) for share in (0.1, 0.3))
    assert small < large
    assert 60 < len(small) < 140


pages = st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=30), min_size=1, max_size=8)


@given(pages, st.integers(1, 7), st.integers(0, 3), st.integers(0, 40), st.integers(1, 9))
def test_a_row_depends_on_its_number_alone(
    texts: list[list[int]], length: int, seed: int, first: int, count: int
) -> None:
    documents = [np.array([0, *page], dtype=np.uint32) for page in texts]
    if sum(map(len, documents)) - 1 < length:
        return
    together = Feed(documents, length, seed).rows(first, count)
    alone = [Feed(documents, length, seed).rows(first + i, 1)[0] for i in reversed(range(count))]
    assert together.shape == (count, length + 1)
    assert np.array_equal(together, np.stack(alone[::-1]))


def test_an_epoch_reads_everything_once_and_the_next_in_another_order() -> None:
    documents = [np.arange(10 * i, 10 * i + 10, dtype=np.uint32) for i in range(12)]
    feed = Feed(documents, 7, seed=5)
    first, second = (feed.rows(epoch * feed.rows_per_epoch, feed.rows_per_epoch) for epoch in (0, 1))
    for rows in (first, second):
        predicted = rows[:, 1:].flatten()
        assert len(set(predicted)) == len(predicted) == 119 // 7 * 7
    assert not np.array_equal(first, second)


def test_less_than_a_row_is_refused() -> None:
    with pytest.raises(InputError, match="too little text"):
        Feed([np.arange(8, dtype=np.uint32)], 8, 0)
    with pytest.raises(InputError, match="too little text"):
        Feed([], 8, 0)


LINE = json.dumps({"id": "a", "language": "en", "text": "hello", "licence": "CC0-1.0"})
BAD = {
    "not JSON": b"{",
    "not an object": b"[1]",
    "a missing field": b'{"id": "a", "text": "x"}',
    "a number for text": b'{"id": 1, "language": "en", "text": "x"}',
    "not UTF-8": b'{"id": "a", "language": "en", "text": "\xff"}',
    "an empty line": b"\n",
}


@pytest.mark.parametrize("line", BAD.values(), ids=BAD.keys())
def test_a_bad_line_is_named(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(LINE.encode() + b"\n" + line + b"\n")
    with pytest.raises(InputError, match=r"line 2|byte"):
        read_corpus(str(path))


def test_files_and_folders_are_text(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "b.txt").write_text("two")
    (tmp_path / "in" / "a.md").write_text("one")
    (tmp_path / "ignored.bin").write_bytes(b"\xff")
    folder = read_corpus(str(tmp_path))
    assert [(d.id, d.text) for d in folder.documents] == [("b.txt", "two"), ("in/a.md", "one")]
    single = read_corpus(str(tmp_path / "b.txt"))
    assert single.documents[0].text == "two"
    assert single.digest != folder.digest
    (tmp_path / "b.txt").rename(tmp_path / "c.txt")
    renamed = read_corpus(str(tmp_path))
    assert renamed.digest != folder.digest, "another name may be on the other side of the split"
    with pytest.raises(InputError, match="no text"):
        read_corpus(str(tmp_path / "nowhere"))


def test_tasks_are_read_with_what_is_given(tmp_path: Path) -> None:
    turns = [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}]
    rows = [
        {"id": "a", "language": "en", "text": "2 m in cm?", "answer": "200"},
        {"id": "b", "language": "en", "messages": [*turns, {"role": "assistant", "content": "A"}]},
    ]
    path = tmp_path / "tasks.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    one, other = read_corpus(str(path)).documents
    assert (one.text, one.given) == ("200", (("user", "2 m in cm?"),))
    assert (other.text, other.given) == ("A", (("system", "S"), ("user", "Q")))


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "assistant", "content": "A"}],
        [{"role": "user", "content": "Q"}, {"role": "user", "content": "A"}],
        [{"role": "tool", "content": "Q"}, {"role": "assistant", "content": "A"}],
        [{"role": "user", "content": 3}, {"role": "assistant", "content": "A"}],
        "x",
    ],
)
def test_a_task_without_an_answer_is_refused(tmp_path: Path, messages: object) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_text(json.dumps({"id": "a", "language": "en", "messages": messages}) + "\n")
    with pytest.raises(InputError, match="line 1 of tasks"):
        read_corpus(str(path))
