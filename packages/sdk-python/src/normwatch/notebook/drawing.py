"""Draws a run as self-contained HTML: inline SVG, no scripts, no style sheets, no external files. Escapes all text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any, Callable

WIDTH = 760
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 22, 22
BLUE, ORANGE, RED, GREY = "#3b82c4", "#d9822b", "#d64545", "#8a929a"
"""Legible on white and on black, because a notebook does not tell which background it has."""
SEVERITY = {"critical": RED, "warning": ORANGE, "info": GREY}
HEALTH = {"flagged": RED, "watch": ORANGE, "ok": "#2f9e6e"}
MAX_FINDINGS = 8
TICKS = 4

Scale = Callable[[float], float]


def draw_run(run: dict[str, Any], series: dict[str, Any], findings: Sequence[dict[str, Any]], page: str) -> str:
    """`run`, `series` (grad_norm and loss) and `findings` are as the API sends them. `page` is the run's address."""
    lines = series["series"]
    steps = (float(series["from"]), float(max(series["to"], series["from"] + 1)))
    cap = run["clip"].get("max_norm")
    cap = float(cap) if isinstance(cap, (int, float)) else None
    panels = [
        _panel("pre-clip grad_norm", lines["grad_norm"], steps, 200, cap) if lines.get("grad_norm") else "",
        _panel("loss", lines["loss"], steps, 120, None) if lines.get("loss") else "",
    ]
    body = "".join(panels) or "<p>No points yet.</p>"
    return (
        f'<div style="max-width:{WIDTH}px;font:13px/1.5 system-ui,sans-serif">'
        f"{_head(run, page)}{body}{_list(findings)}</div>"
    )


def _head(run: dict[str, Any], page: str) -> str:
    health = str(run["health"])
    rate = run["clipping"]["rate_total"]
    clipped = "" if rate is None else f" · clipped in {rate:.0%} of {run['points']} steps"
    nonfinite = f" · {run['nonfinite']} non-finite" if run["nonfinite"] else ""
    badge = f'<b style="color:{HEALTH.get(health, GREY)}">{escape(health)}</b>'
    return (
        f'<p style="margin:0 0 6px"><a href="{escape(page)}" target="_blank" rel="noreferrer" style="color:inherit">'
        f"{escape(str(run['project']))} / {escape(str(run['name']))}</a> · {badge} · {escape(str(run['status']))}"
        f"{clipped}{nonfinite}</p>"
    )


def _panel(title: str, line: dict[str, Any], steps: tuple[float, float], height: int, cap: float | None) -> str:
    values = [value for name in ("min", "max") for value in line[name] if isinstance(value, (int, float))]
    values += [cap] if cap is not None and values else []
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    is_log = low > 0 and high / low > 20
    low, high = _padded(low, high, is_log)
    y = _scale(low, high, height - BOTTOM, TOP, is_log)
    x = _scale(*steps, LEFT, WIDTH - RIGHT, False)
    parts = [
        f'<svg role="img" viewBox="0 0 {WIDTH} {height}" width="100%" style="display:block" '
        f'font-family="system-ui,sans-serif" font-size="11"><title>{escape(title)}</title>',
        *(_tick_y(value, y(value)) for value in _ticks(low, high, is_log)),
        *(_tick_x(value, x(value), height) for value in _ticks(*steps, False)),
        _band(line, x, y),
        _polyline(line, x, y),
    ]
    if cap is not None:
        at = y(cap)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" stroke="{ORANGE}" '
            'stroke-dasharray="5 4"/>'
            f'<text x="{WIDTH - RIGHT}" y="{at - 4:.1f}" text-anchor="end" fill="{ORANGE}">max_norm {cap:g}</text>'
        )
    marks = [
        step for step, count in zip(line["step"], line["nonfinite"]) if count
    ]  # a reading that is NaN or infinite is marked, not left out
    parts += [f'<text x="{x(step):.1f}" y="{TOP - 4}" text-anchor="middle" fill="{RED}">×</text>' for step in marks]
    parts.append(f'<text x="{LEFT}" y="{TOP - 8}" fill="currentColor">{escape(title)}</text></svg>')
    return "".join(parts)


def _band(line: dict[str, Any], x: Scale, y: Scale) -> str:
    """The range from the smallest to the largest reading of each bucket, so that no spike is lost."""
    rows = [row for row in zip(line["step"], line["min"], line["max"]) if None not in row]
    if all(low == high for _, low, high in rows):
        return ""
    upper = [f"{x(step):.1f},{y(high):.1f}" for step, _, high in rows]
    lower = [f"{x(step):.1f},{y(low):.1f}" for step, low, _ in reversed(rows)]
    return f'<polygon points="{" ".join(upper + lower)}" fill="{BLUE}" fill-opacity="0.3"/>'


def _polyline(line: dict[str, Any], x: Scale, y: Scale) -> str:
    rows = [(step, mean) for step, mean in zip(line["step"], line["mean"]) if mean is not None]
    if len(rows) == 1:
        return f'<circle cx="{x(rows[0][0]):.1f}" cy="{y(rows[0][1]):.1f}" r="3" fill="{BLUE}"/>'
    points = " ".join(f"{x(step):.1f},{y(mean):.1f}" for step, mean in rows)
    return f'<polyline points="{points}" fill="none" stroke="{BLUE}" stroke-width="1.5"/>'


def _list(findings: Sequence[dict[str, Any]]) -> str:
    if not findings:
        return ""
    rows = []
    for finding in findings[:MAX_FINDINGS]:
        colour = SEVERITY.get(str(finding["severity"]), GREY)
        until = "" if finding["closed_step"] is None else f" to {int(finding['closed_step'])}"
        part = "" if not finding.get("part") else f" of {escape(str(finding['part']))}"
        causes = [str(cause["because"]) for cause in finding["diagnosis"][:1]]
        why = f'<br><span style="opacity:.75">{escape(causes[0])}</span>' if causes else ""
        rows.append(
            f'<li><b style="color:{colour}">{escape(str(finding["kind"]).replace("_", " "))}</b>{part}, '
            f"step {int(finding['opened_step'])}{until}{why}</li>"
        )
    more = len(findings) - MAX_FINDINGS
    rows += [f"<li>and {more} more</li>"] if more > 0 else []
    return f'<ul style="margin:6px 0;padding-left:20px">{"".join(rows)}</ul>'


def _tick_y(value: float, at: float) -> str:
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" stroke="{GREY}" stroke-opacity="0.25"/>'
        f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end" fill="{GREY}">{value:.3g}</text>'
    )


def _tick_x(value: float, at: float, height: int) -> str:
    return f'<text x="{at:.1f}" y="{height - 6}" text-anchor="middle" fill="{GREY}">{value:.0f}</text>'


def _padded(low: float, high: float, is_log: bool) -> tuple[float, float]:
    if is_log:
        return low / 1.2, high * 1.2
    room = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return low - room, high + room


def _scale(low: float, high: float, start: float, end: float, is_log: bool) -> Scale:
    shape = math.log10 if is_log else float
    first, last = shape(low), shape(high)
    return lambda value: start + (shape(value) - first) / (last - first) * (end - start)


def _ticks(low: float, high: float, is_log: bool) -> list[float]:
    """Round numbers within the bounds."""
    if is_log:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
        factors = (1, 2, 5) if len(powers) <= 2 else (1,)
        every = max(1, len(powers) // TICKS)
        return [
            factor * 10.0**power
            for power in powers[::every]
            for factor in factors
            if low <= factor * 10.0**power <= high
        ]
    raw = (high - low) / TICKS
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    first = math.ceil(low / step)
    return [step * n for n in range(first, math.floor(high / step) + 1)]
