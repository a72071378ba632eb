"""The side-by-side harness: what is measured, how it is started, and the table."""
