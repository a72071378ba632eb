"""One file per library. Each can be started alone: `python -m contestants.NAME JOB`."""
