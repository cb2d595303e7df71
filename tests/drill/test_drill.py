"""The whole evening with real processes, small: order, relief, lifting; and a real order over the command line."""

import json
import subprocess
import sys

import pytest

from mythos.cli.drill_directives import rehearse
from mythos.cli.drill_estate import evening


@pytest.fixture(scope="module")
def report():
    told = []
    return rehearse(3, 12, rate=10, real=None, told=told.append) | {"told": told}


def test_nobody_is_wrongly_cut_or_served(report):
    assert (report["wrongly_cut"], report["wrongly_served"]) == (0, 0)
    assert report["engine"] == "canned tokens, 10 a second each"


def test_each_directive_reaches_every_hub_and_cuts_whom_it_names(report):
    phases = {phase["directive"]: phase for phase in report["phases"]}
    assert list(phases) == ["drill-order", "drill-relief", "drill-lifting"]
    assert all(phase["complete"] and len(phase["hubs"]) == 3 for phase in phases.values())
    found = [
        (phase["cut"], phase["kept"], phase["answered_again"], phase["refused_again"])
        for phase in phases.values()
    ]
    # three of each kind: the order keeps citizens, the relief lets staff back, the lifting everybody
    assert found == [(9, 3, 0, 9), (0, 3, 3, 6), (0, 6, 6, 0)]
    assert sum(hub["streams_cut"] for hub in phases["drill-order"]["hubs"]) == 9


def test_it_says_how_long_it_took(report):
    assert report["refused_streams"] == 9
    assert 0 < report["p50_s"] <= report["p99_s"] <= report["max_s"] < 10
    assert any("the last event after" in line for line in report["told"])


def test_the_commands_reach_the_running_service():
    with evening(1, 4, rate=5, real=None) as estate:
        path = estate.home.path / "order.yaml"
        path.write_text(
            "id: d-1\nauthority: drill\nkind: order\neffective: 2026-01-01T00:00:00Z\nmodels: [drill-model]\n"
            "acts: [access]\nwho: {citizen_of: [KP]}\neffect: refuse\n"
        )
        home = ["--home", str(estate.home.path), "--json"]
        ran = [
            subprocess.run(
                [sys.executable, "-m", "mythos", "directive", *argv, *home], capture_output=True, text=True
            )
            for argv in (["issue", str(path)], ["status", "d-1"], ["status", "unheard-of"])
        ]
        assert [one.returncode for one in ran] == [0, 0, 2], [one.stderr for one in ran]
        status = json.loads(ran[1].stdout)
        assert (status["live"], status["index"]) == (True, json.loads(ran[0].stdout)["index"])
        assert estate.coverage("d-1", seconds=10)["complete"]
