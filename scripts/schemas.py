"""The types of our documents → their JSON Schemas in ``docs/schemas/``."""

from __future__ import annotations

from pathlib import Path

from benchgate import acceptance, accepted, config
from benchgate.documents import doctor, report, run, self_test

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"


def main() -> None:
    """Write every schema anew."""
    (FOLDER / "benchgate.yml.schema.json").write_text(config.schema_text())
    (FOLDER / f"{acceptance.FILE}.schema.json").write_text(accepted.schema_text())
    (FOLDER / "run.schema.json").write_bytes(run.json_schema())
    (FOLDER / "doctor.schema.json").write_bytes(doctor.json_schema())
    (FOLDER / "report.schema.json").write_bytes(report.json_schema())
    (FOLDER / "self-test.schema.json").write_bytes(self_test.json_schema())


if __name__ == "__main__":
    main()
