"""Names in many scripts and spellings meet in one key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.access.names import MAX_NAME, fold, forms, latin, romaji, skeleton, unread, wade_giles


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Gim Jeong-eun", "Kim Jong Un"),
        ("Hsü Kuo-hua", "Xu Guohua"),
        ("Ch'ing", "Qing"),
        ("Satō", "Satou"),
        ("Khrushchev", "Хрущёв"),
        ("Gaddafi", "Qadhafi"),
        ("Владимир Путин", "Vladimir Putin"),
        ("たなか さくら", "Tanaka Sakura"),
        ("김대중", "Kim Daejung"),
        ("Łukasz Ørsted", "Lukasz Orsted"),
        ("ＴＡＮＡＫＡ", "Tanaka"),
        ("Γιώργος Παπαδόπουλος", "Giorgos Papadopoulos"),
        ("Pat O\u02bcBrien", "Pat O'Brien"),
    ],
)
def test_spellings_of_one_name_share_a_key(a: str, b: str) -> None:
    keys = [{fold(form).replace(" ", "") for form in forms(name)} for name in (a, b)]
    assert keys[0] & keys[1], keys


def test_letters_that_only_look_alike_are_read_as_what_they_look_like() -> None:
    assert "vladimir putin" in forms("Vlаdimir Рutin")


def test_arabic_meets_latin_in_its_consonants() -> None:
    native, spelled = (skeleton(fold(forms(name)[0])) for name in ("محمد مبارك", "Muhammad Mubarak"))
    assert native == spelled


def test_kanji_are_read_as_japanese_and_as_chinese() -> None:
    pytest.importorskip("sudachipy", reason="extra missing: pip install 'mythos-hub[screening]'")
    pytest.importorskip("pypinyin", reason="extra missing: pip install 'mythos-hub[screening]'")
    found = forms("小泉純一郎")
    assert found[0] == "koizumi junichirou"
    assert "xiaoquan chunyilang" in found
    assert forms("毛泽东") == ("mao zedong", "mao tsetung")


@pytest.mark.parametrize(
    ("kana", "sound"),
    [
        ("キャベツ", "kyabetsu"),
        ("しゅっぱつ", "shuppatsu"),
        ("チョコ", "choko"),
        ("ラーメン", "ramen"),
        ("ファイト", "faito"),
    ],
)
def test_kana_by_rule(kana: str, sound: str) -> None:
    assert romaji(kana) == sound


@pytest.mark.parametrize(
    ("pinyin", "other"),
    [
        ("qing", "ching"),
        ("xiang", "hsiang"),
        ("zhou", "chou"),
        ("bei", "pei"),
        ("de", "te"),
        ("zi", "tzu"),
        ("shi", "shih"),
        ("qian", "chien"),
    ],
)
def test_wade_giles(pinyin: str, other: str) -> None:
    assert wade_giles(pinyin) == other


@given(st.text(max_size=60))
def test_any_text_has_keys_of_letters_only(text: str) -> None:
    for form in forms(text):
        assert form == latin(form)
        assert set(fold(form)) <= set("abcdefghijklmnopqrstuvwxyz ")
        assert set(skeleton(fold(form))) <= set(fold(form) + " ")


def test_a_name_is_cut_where_nobody_is_called_so() -> None:
    assert len(forms("a" * 100_000)[0]) == MAX_NAME
    assert unread("a" * 201)
    assert forms("123 !?") == ()
    assert unread("123 !?")


@pytest.mark.parametrize(
    ("name", "unknown"),
    [("John Smith", False), ("O\u02bcBrien", False), ("Γιώργος", False), ("김정은", False), ("محمد", False), ("Хрущёв", False),
     ("ラーメン", False), ("John ก", True), ("נתניהו", True), ("ჯორჯ", True), ("\u0301", True), ("", True)],
)  # fmt: skip
def test_what_cannot_be_read_whole_is_told(name: str, unknown: bool) -> None:
    assert unread(name) is unknown
