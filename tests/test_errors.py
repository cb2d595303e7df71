import inspect

from mythos import errors


def classes() -> list[type[errors.MythosError]]:
    found = [item for _, item in inspect.getmembers(errors, inspect.isclass)]
    return [item for item in found if issubclass(item, errors.MythosError)]


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    drawn = errors.__doc__ or ""
    for item in classes():
        line = next(
            (
                x
                for x in drawn.splitlines()
                if x.split("  ")[0].strip("│├└─ ") == item.__name__ or f" {item.__name__} " in x + " "
            ),
            None,
        )
        assert line is not None, f"{item.__name__} is not drawn"
        depth = len(item.__mro__) - len(errors.MythosError.__mro__)
        indent = len(line) - len(line.lstrip(" │├└─")) - 4
        assert indent == depth * 4, f"{item.__name__} is drawn at the wrong depth"


def test_every_error_ends_in_error_and_has_a_docstring_and_a_status() -> None:
    for item in classes():
        assert item.__name__.endswith("Error")
        assert item.__doc__
        assert item.exit_status in {1, 2, 3}


def test_an_error_says_expected_found_and_what_to_do() -> None:
    error = errors.DigestError(
        "the wheel differs", expected="sha256:aa", found="sha256:bb", advice="Fetch it again."
    )
    assert str(error) == "the wheel differs; expected sha256:aa; found sha256:bb. Fetch it again."
    assert error.code == "digest"
