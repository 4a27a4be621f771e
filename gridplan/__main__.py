"""`python -m gridplan`."""

from gridplan.cli import main

main()
