"""Every text comes back as it was; tokens carry as much Japanese as was promised."""

from pathlib import Path

import pytest

pytest.importorskip("tokenizers", reason="extra missing: pip install 'mythos-hub[torch]'")
from hypothesis import given
from hypothesis import strategies as st

from mythos.errors import FormatError, InputError
from mythos.model import Tokenizer
from mythos.model.tokenizer import END
from mythos.train import read_corpus


@given(text=st.text())
def test_any_text_comes_back(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_digits_stand_alone_and_nothing_is_normalised(tokenizer: Tokenizer) -> None:
    pieces = [tokenizer.decode([t]) for t in tokenizer.encode("2024 １２")]
    assert pieces[:4] == ["2", "0", "2", "4"]
    assert tokenizer.decode(tokenizer.encode("ｶﾞ①Ａ")) == "ｶﾞ①Ａ"


def test_the_end_mark_is_not_in_text(tokenizer: Tokenizer) -> None:
    [ids] = tokenizer.encode_documents(["a"])
    assert ids.tolist() == [0, *tokenizer.encode("a").tolist()]
    assert tokenizer.decode(ids) == "a"


def test_training_is_the_same_every_time(texts: list[str], tokenizer: Tokenizer, tmp_path: Path) -> None:
    again = Tokenizer.train(texts, 512)
    assert again.digest == tokenizer.digest
    again.save(tmp_path / "tokenizer.json")
    assert Tokenizer.load(tmp_path / "tokenizer.json").digest == tokenizer.digest
    assert Tokenizer.train(texts, 513).digest != tokenizer.digest


def test_a_token_carries_enough_of_held_out_text() -> None:
    training, held = read_corpus("bundled").split(0.1)
    tokenizer = Tokenizer.train([document.text for document in training], 2048)
    for language, least in (("ja", 3.2), ("en", 2.6)):
        text = "\n".join(document.text for document in held if document.language == language)
        assert len(text.encode()) / len(tokenizer.encode(text)) > least, language


def test_too_little_text_is_refused() -> None:
    with pytest.raises(InputError, match="too little text"):
        Tokenizer.train(["abc"], 512)


@pytest.mark.parametrize("vocab", [0, 256, 1 << 21])
def test_a_vocabulary_has_bounds(vocab: int) -> None:
    with pytest.raises(InputError, match="257"):
        Tokenizer.train(["abc"], vocab)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(FormatError):
        Tokenizer.load(path)
    Tokenizer.train(["some text " * 50], 258).save(path)
    path.write_text(path.read_text().replace(END, "<|other|>"))
    with pytest.raises(FormatError, match=r"token 0"):
        Tokenizer.load(path)
