import Drawing

extension ECGPaper {
    /// Lines of the cold ink, close enough for the smallest part.
    static let hatch = SVGElement(
        "defs", [:],
        [
            SVGElement(
                "pattern",
                [
                    "id": "hatch", "width": 1.6, "height": 1.6, "patternUnits": "userSpaceOnUse",
                    "patternTransform": "rotate(45)",
                ],
                [
                    SVGElement(
                        "rect",
                        ["width": 1.6, "height": 1.6, "fill": Palette.cold, "fill-opacity": 0.3]),
                    SVGElement("rect", ["width": 0.6, "height": 1.6, "fill": Palette.cold]),
                ])
        ])

    /// A field that is filled.
    private func field(
        x: Double, y: Double, width: Double, height: Double, _ ink: Ink, strength: Double
    ) -> SVGElement {
        switch ink {
        case .warm:
            SVGElement(
                "rect",
                [
                    "x": x, "y": y, "width": width, "height": height, "fill": Palette.warm,
                    "fill-opacity": 0.75 * strength,
                ])
        case .cold:
            SVGElement(
                "rect",
                [
                    "x": x, "y": y, "width": width, "height": height, "fill": "url(#hatch)",
                    "opacity": strength,
                ])
        }
    }

    /// A part of a strip, filled; its text at the bottom, where traces seldom are.
    func draw(_ shade: Shade) -> [SVGElement] {
        let left = traceStart + shade.seconds.lowerBound * Self.millimetresPerSecond
        let width =
            (shade.seconds.upperBound - shade.seconds.lowerBound) * Self.millimetresPerSecond
        let top = baseline(shade.trace) - rowHeight / 2
        let part = field(
            x: left, y: top, width: width, height: rowHeight, shade.ink, strength: shade.strength)
        guard let text = shade.text else { return [part] }
        return [
            part,
            MillimetrePaper.label(
                text, x: left + width / 2, y: top + rowHeight - 0.8, size: 2.2, isCentred: true),
        ]
    }

    /// Five steps of each ink, and what they mean.
    func drawLegend(y: Double) -> [SVGElement] {
        let step = 5.0
        var x = Self.margin
        var parts: [SVGElement] = []
        for entry in legend {
            for number in 1...5 {
                parts.append(
                    field(
                        x: x, y: y - 3, width: step, height: 4, entry.ink,
                        strength: Double(number) / 5))
                x += step
            }
            parts.append(MillimetrePaper.label(entry.text, x: x + 1.5, y: y, size: 3))
            // Letters of this size are about 1.6 mm wide.
            x += 6 + 1.6 * Double(entry.text.count)
        }
        return parts
    }
}

/// Draws a line from left to right, leaving out points that a straight line passes within a hair's breadth.
struct Pen {
    /// What was drawn, as an SVG path.
    private(set) var path = ""
    private var start: (x: Double, y: Double)?
    private var last: (x: Double, y: Double)?
    private var slopes = -Double.infinity...Double.infinity

    /// In millimetres: a third of the line's width.
    private static let tolerance = 0.1

    /// Goes on to a point.
    mutating func draw(toX x: Double, y: Double) {
        guard let begin = start, let before = last else {
            (start, last) = ((x, y), (x, y))
            path += "M\(x.svgText) \(y.svgText)"
            return
        }
        let slope = (y - begin.y) / (x - begin.x)
        if !slopes.contains(slope) {
            put(before)
            (start, slopes) = (before, -Double.infinity...Double.infinity)
        }
        last = (x, y)
        guard let begin = start else { return }
        let (low, high) = (
            (y - Self.tolerance - begin.y) / (x - begin.x),
            (y + Self.tolerance - begin.y) / (x - begin.x)
        )
        let (least, most) = (max(slopes.lowerBound, low), min(slopes.upperBound, high))
        slopes = min(least, most)...max(least, most)
    }

    /// Ends the line.
    mutating func lift() {
        if let start, let last, last != start { put(last) }
        (start, last, slopes) = (nil, nil, -Double.infinity...Double.infinity)
    }

    private mutating func put(_ point: (x: Double, y: Double)) {
        path += "L\(point.x.svgText) \(point.y.svgText)"
    }
}
