"""
Reads a Parquet file with DuckDB and an event file with TensorBoard. Prints their content as JSON. Values that JSON
cannot represent become text.
"""

import json
import sys

import duckdb
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

parquet, events = sys.argv[1:]
table = duckdb.sql(f"select * from '{parquet}' order by step")
rows = [[str(cell) if isinstance(cell, float) and cell != cell else cell for cell in row] for row in table.fetchall()]
scalars = [
    [event.step, event.wall_time, value.tag, str(value.tensor.float_val[0])]
    for event in EventFileLoader(events).Load()
    for value in event.summary.value
]
print(
    json.dumps(
        {"columns": table.columns, "types": [str(one) for one in table.types], "rows": rows, "scalars": scalars}
    )
)
