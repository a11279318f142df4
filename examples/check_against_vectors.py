"""Tests one function against the accuracy vectors: plain Python, nothing else, 15 lines of it.

python examples/check_against_vectors.py [folder with the vectors, default those of this clone]
"""

import json
import math
import sys
from fractions import Fraction
from pathlib import Path


def forward_sample(x0: float, m: float, v: float, z: float) -> float:
    """The function under test; replace it by your own."""
    return x0 * math.exp(m + math.sqrt(v) * z)


folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "../gbm_ref/vectors")
rows = [json.loads(line) for line in (folder / "forward_sample.jsonl").open(encoding="utf-8")]
failed = 0
for row in rows:
    value = forward_sample(**{name: float.fromhex(text) for name, text in row["args"].items()})
    bound = row["k"] * Fraction(float.fromhex(row["S"])) / 2**53 + Fraction(1, 2**1074)
    if not (math.isfinite(value) and abs(Fraction(value) - Fraction(row["out50"])) <= bound):
        failed += 1
        print(f"row {row['tcId']} {row['flags']} failed, perhaps one of {row['kills']}")
print(f"{len(rows) - failed} of {len(rows)} rows passed")
sys.exit(failed > 0 or not rows)
