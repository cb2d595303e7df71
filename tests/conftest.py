"""Fixtures and rules for the whole suite.

A skip is loud: its reason is printed in the summary. Under `make test-all` only a missing shared folder,
missing hardware, a missing browser and a missing database server are allowed; any other skip fails the run.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
ALLOWED_SKIPS = ("shared folder missing:", "hardware missing:", "browser missing:", "database missing:")


settings.register_profile(
    "steady", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("steady")
"""A busy machine is no defect: slow inputs are not judged, only wrong ones."""


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Official vectors and cases beside the checkout; skips when a clone has none."""
    if not SHARED.is_dir():
        pytest.skip(f"shared folder missing: {SHARED.name}")
    return SHARED


@pytest.fixture(scope="session")
def smollm2(root: Path) -> Path:
    """The real model, fetched once; skips loudly without a network and without the cache."""
    from mythos.errors import NetworkError
    from mythos.weights.fetch import resolve

    cache = Path(os.environ.get("MYTHOS_TEST_CACHE", root / ".pytest_cache" / "models"))
    cache.mkdir(parents=True, exist_ok=True)
    cache.chmod(0o700)
    try:
        return resolve("smollm2", cache)
    except NetworkError as error:
        pytest.skip(f"hardware missing: a network to fetch the model ({error})")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get("MYTHOS_TEST_ALL") != "1":
        return
    skipped = [report.longrepr[2] for report in terminalreporter.getreports("skipped") if report.longrepr]
    forbidden = [reason for reason in skipped if not _allowed(reason)]
    if forbidden:
        terminalreporter.section("skips that make test-all does not allow")
        for reason in forbidden:
            terminalreporter.line(reason)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if os.environ.get("MYTHOS_TEST_ALL") != "1":
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    reports = reporter.getreports("skipped") if reporter else []
    if any(not _allowed(report.longrepr[2]) for report in reports if report.longrepr):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _allowed(reason: str) -> bool:
    return reason.removeprefix("Skipped: ").startswith(ALLOWED_SKIPS)
