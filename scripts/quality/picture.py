"""Draws a curve over CPU seconds as SVG that follows the reader's light or dark setting."""

import html
import math

COLOURS = [("#1f6f8b", "#6cc3df"), ("#c0392b", "#f08a7e"), ("#587215", "#b4d15c"), ("#7d3c98", "#cf9be6"),
           ("#a35f00", "#f0b35a"), ("#2d5bd0", "#93b1ff")]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 960, 500, 64, 250, 52, 56


def style():
    def rules(which):
        found = [f".c{number}{{stroke:{pair[which]}}}.f{number}{{fill:{pair[which]}}}" for number, pair in enumerate(COLOURS)]
        ground, ink, soft, grid = (("#ffffff", "#222222", "#595959", "#e3e3e3"), ("#16191d", "#eeeeee", "#aab2ba", "#343a41"))[which]
        return (f".ground{{fill:{ground}}}.ink{{fill:{ink}}}.soft{{fill:{soft}}}.grid{{stroke:{grid}}}"
                f".level{{stroke:{soft}}}" + "".join(found))
    return f"<style>{rules(0)}@media (prefers-color-scheme:dark){{{rules(1)}}}</style>"


def spread(places, least=15):
    """Heights of labels near the wanted ones, none nearer to the next than `least`, and none below the foot."""
    order = sorted(range(len(places)), key=places.__getitem__)
    result, floor = list(places), -math.inf
    for number in order:
        result[number] = floor = max(places[number], floor + least)
    ceiling = HEIGHT - BOTTOM + least
    for number in reversed(order):
        result[number] = ceiling = min(result[number], ceiling - least)
    return result


def ticks(low, high):
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if (high - low) / step <= 9)
    first = math.ceil(low / step - 1e-9)
    return [step * number for number in range(first, math.floor(high / step + 1e-9) + 1)]


def draw(rows, title):
    """The picture of rows as `curve` has them. Methods are curves with bands, other rows level lines with their intervals' ends
    beside the name; points without CPU seconds are left out. Random weights stand at the left edge, since a log axis has no 0."""
    points = [row for row in rows if row["kind"] == "point" and row["cpu_seconds"] is not None]
    levels = [row for row in rows if row["kind"] == "line"]
    seconds = [row["cpu_seconds"] for row in points if row["cpu_seconds"] > 0] or [1, 10]
    first, last = math.log10(min(seconds)), math.log10(max(seconds) * 1.05)
    first = min(first, last - 0.3)
    first -= 0.18 * (last - first)
    ends = [end for row in points + levels for end in row["auroc_macro"]["interval"]]
    low, high = min(ends) - 0.005, max(ends) + 0.005

    def x(value):
        share = 0 if value <= 0 else (math.log10(value) - first) / (last - first)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(value):
        return TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM)

    right = WIDTH - RIGHT
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13" role="img">',
           f"<title>{html.escape(title)}</title>", style(), '<rect class="ground" width="100%" height="100%"/>',
           f'<text class="ink" x="{LEFT}" y="26" font-size="16">{html.escape(title)}</text>']
    for value in ticks(low, high):
        svg.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
                   f'<text class="soft" x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.2f}</text>')
    marks = [factor * 10 ** power for power in range(-2, 7) for factor in (1, 2, 5)]
    svg.append(f'<text class="soft" x="{LEFT}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">0</text>')
    for value in marks:
        if LEFT + 30 < x(value) <= right + 1:
            svg.append(f'<line class="grid" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
                       f'<text class="soft" x="{x(value):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{value:g}</text>')
    svg.append(f'<text class="soft" x="{(LEFT + right) / 2}" y="{HEIGHT - 14}" text-anchor="middle">CPU seconds of pretraining (0: random '
               'weights)</text><text class="soft" x="16" y="44">macro AUROC, 95 % intervals</text>')
    names = []
    for row in levels:
        lower, upper = row["auroc_macro"]["interval"]
        height = y(row["auroc_macro"]["value"])
        svg.append(f'<line class="level" x1="{LEFT}" x2="{right}" y1="{height:.1f}" y2="{height:.1f}" stroke-width="1.4" stroke-dasharray="6 4"/>')
        names.append((height, "soft", f"{row['name']} {row['auroc_macro']['value']:.3f} ({lower:.2f}-{upper:.2f})"))
    for number, name in enumerate(dict.fromkeys(row["name"] for row in points)):
        own = sorted((row for row in points if row["name"] == name), key=lambda row: row["cpu_seconds"])
        names.append(curve(svg, own, number % len(COLOURS), name, x, y))
    for (height, kind, label), place in zip(names, spread([name[0] for name in names])):
        svg.append(f'<text class="{kind}" x="{right + 8}" y="{place + 4:.1f}" font-size="12">{html.escape(label)}</text>')
    svg.append("</svg>")
    return "\n".join(svg) + "\n"


def curve(svg, rows, colour, name, x, y):
    """Adds a method's band, line and points; returns where its name belongs."""
    places = [(x(row["cpu_seconds"]), row["auroc_macro"]) for row in rows]
    band = [(place, y(found["interval"][1])) for place, found in places]
    band += [(place, y(found["interval"][0])) for place, found in reversed(places)]
    line = " ".join(f"{place:.1f},{y(found['value']):.1f}" for place, found in places)
    svg.append(f'<polygon class="f{colour}" fill-opacity="0.12" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in band)}"/>'
               f'<polyline class="c{colour}" fill="none" stroke-width="2" points="{line}"/>')
    for (place, found), row in zip(places, rows):
        lower, upper = found["interval"]
        svg.append(f'<circle class="f{colour}" cx="{place:.1f}" cy="{y(found["value"]):.1f}" r="4"><title>{html.escape(name)}, step '
                   f'{row["step"]}, {row["cpu_seconds"]:g} s: {found["value"]:.3f} ({lower:.3f}-{upper:.3f})</title></circle>')
    return y(places[-1][1]["value"]), f"f{colour}", f"{name} {places[-1][1]['value']:.3f}"
