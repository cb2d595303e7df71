"""`python -m mythos` is the `mythos` command."""

from mythos.cli import main

main()
