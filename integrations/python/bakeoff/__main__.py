"""``python -m bakeoff`` is the program."""

from ._program import main

main()
