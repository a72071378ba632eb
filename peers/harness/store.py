"""Measurements as they come in: a line of JSON each, so that nothing is lost to a crash."""

import json
from pathlib import Path


class Store:
    """An append-only file of measurements."""

    def __init__(self, path: Path):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.rows = []
        if path.exists():
            for line in path.read_text().splitlines():
                try:
                    self.rows.append(json.loads(line))
                except json.JSONDecodeError:
                    break  # The line that a killed run was writing.

    def forget(self, starts: set[str]) -> None:
        """Drops the measurements of these starts."""
        self.rows = [row for row in self.rows if row["start"] not in starts]
        self.path.write_text("".join(json.dumps(row) + "\n" for row in self.rows))

    def add(self, row: dict) -> None:
        self.rows.append(row)
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def done(self, round_number: int, start: str) -> bool:
        """Whether a start was measured in a round; one that failed is tried again."""
        return any(
            row["round"] == round_number and row["start"] == start and "error" not in row
            for row in self.rows
        )

    def of(self, job: str) -> dict[str, list[dict]]:
        """Every measurement of a job, by contestant; failures only where nothing else is."""
        found: dict[str, list[dict]] = {}
        for row in self.rows:
            if row["job"] == job:
                found.setdefault(row["who"], []).append(row)
        for who, rows in found.items():
            fine = [row for row in rows if "error" not in row]
            found[who] = fine or rows[-1:]
        return found
