"""
`render_chart.py CHART`: renders a chart with Helm's own library, without a cluster, like `helm lint --strict` and
`helm template`. Reads a list of values from standard input. For each, prints the objects, after Kubernetes' schemas
accepted them, or the error.
"""

import json
import sys

import helm_python as helm
import kubernetes_validate
import yaml

KUBERNETES = "1.34"


def render(chart: helm.Chart, values: dict) -> dict:
    try:
        chart.validate_schema(values)
        files = chart.render(values, name="lab", namespace="training")
    except helm.HelmError as error:
        return {"refused": str(error)}
    objects = [
        made
        for name, text in files.items()
        if name.endswith(".yaml")
        for made in yaml.safe_load_all(text)
        if made is not None
    ]
    for made in objects:
        kubernetes_validate.validate(made, KUBERNETES, strict=True)
    return {"objects": objects, "notes": files["normwatch/templates/NOTES.txt"]}


folder = sys.argv[1]
with helm.Chart.load(folder) as chart:
    cases = [render(chart, values) for values in json.load(sys.stdin)]
found = [message for message in helm.lint(folder, strict=True)["messages"] if message["severity"] > 1]
json.dump({"lint": found, "cases": cases}, sys.stdout)
