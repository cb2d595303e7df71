"""A file of persons: in order, the same with any number of processes, and nothing at all when a line is wrong."""

import io
import json
import os
import random
import threading

import pytest

from mythos.access import batch
from mythos.access.batch import decide_file
from mythos.access.directives import Directives
from mythos.errors import AccessError, MachineError

from . import population
from .made import T0, at, directive, plan

NOW = at(T0)


@pytest.fixture
def small(monkeypatch):
    """Stretches so small that lines are longer than some of them."""
    monkeypatch.setattr(batch, "STRETCH", 300)
    monkeypatch.setattr(batch, "ALONE", 0)


def law():
    return Directives.of(
        [directive("a", who={"foreign_person_of": "US"}), directive("r", "allow", who={"located_in": ["JP"]})]
    )


def people(tmp_path, count=400, tail=b"\n"):
    lines = list(population.persons(random.Random(3), count, ["e1", "e2", "e3"]))
    data = population.jsonl(lines).rstrip(b"\n") + tail
    path = tmp_path / "persons.jsonl"
    path.write_bytes(data)
    return path, lines


def decided(path, workers):
    out = io.BytesIO()
    count = decide_file(path, plan(law()), NOW, out, workers=workers)
    return count, out.getvalue()


@pytest.mark.parametrize("tail", [b"\n", b"", b"\n\n\r\n"])
@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_processes_gives_the_same_bytes_in_order(tmp_path, small, workers, tail):
    path, lines = people(tmp_path, tail=tail)
    alone = decided(path, 1)
    assert decided(path, workers) == alone
    assert alone[0] == len(lines)
    assert [json.loads(line)["id"] for line in alone[1].splitlines()] == [line["id"] for line in lines]


def test_lines_longer_than_several_stretches(tmp_path, small):
    path = tmp_path / "p.jsonl"
    lines = [{"id": "x" * size, "citizenships": ["US"]} for size in (1, 2_000, 1, 900, 299, 300, 301, 5)]
    path.write_bytes(population.jsonl(lines))
    assert decided(path, 2) == decided(path, 1)
    assert decided(path, 2)[0] == len(lines)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("wrong", [1, 7, 200, 400])
def test_one_wrong_line_and_nothing_is_written(tmp_path, small, workers, wrong):
    path, lines = people(tmp_path)
    lines[wrong - 1]["citizenships"] = ["us"]
    path.write_bytes(population.jsonl(lines))
    out = io.BytesIO()
    with pytest.raises(AccessError, match=f"persons.jsonl line {wrong}: citizenships is not a country code"):
        decide_file(path, plan(law()), NOW, out, workers=workers)
    assert out.getvalue() == b""


def test_the_first_wrong_line_is_told(tmp_path, small):
    path, lines = people(tmp_path)
    for wrong in (90, 300):
        lines[wrong - 1]["located_in"] = "XX"
    path.write_bytes(population.jsonl(lines))
    with pytest.raises(AccessError, match="line 90:"):
        decided(path, 2)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_line_without_end_is_refused(tmp_path, small, monkeypatch, workers):
    monkeypatch.setattr(batch, "LINE_LIMIT", 1000)
    path = tmp_path / "p.jsonl"
    path.write_bytes(b'{"id": "' + b"x" * 5000 + b'"}\n')
    with pytest.raises(AccessError, match="too long"):
        decided(path, workers)


def test_what_is_not_utf_8_is_refused(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_bytes(b'{"id": "\xff"}\n')
    with pytest.raises(AccessError, match="not UTF-8"):
        decided(path, 1)


def test_ids_of_any_script_come_back_as_they_are(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text('{"id": "山田 \\"太郎\\" \\u5c71\\\\"}\n', encoding="utf-8")
    [line] = decided(path, 1)[1].decode().splitlines()
    assert "山田" in line
    assert json.loads(line)["id"] == '山田 "太郎" 山\\'


def test_a_pipe_is_read_too(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b'{"id": "a"}\n{"id": "b"}\n',))
    writer.start()
    count, _ = decided(path, 1)
    writer.join()
    assert count == 2


def test_an_empty_file_has_no_answers(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_bytes(b"")
    assert decided(path, 2) == (0, b"")


def test_a_worker_that_dies_is_an_error_not_a_short_answer(tmp_path, small, monkeypatch):
    path, _ = people(tmp_path)
    monkeypatch.setattr(batch, "answer_lines", lambda *_, **__: os._exit(9))
    with pytest.raises(MachineError, match="ended early"):
        decided(path, 2)
