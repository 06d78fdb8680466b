import Drawing
import Runtime

/// Values with their intervals on one axis, a row each (a forest plot), as HTML that fits any width.
struct IntervalChart {
    /// One value.
    struct Row {
        let name: String
        let value: Double
        let interval: (lower: Double, upper: Double)?
        /// Whether it stands back.
        let isFaint: Bool
        /// What stands behind the row.
        let text: String
    }

    private let title: String
    private let rows: [Row]
    private let reference: Double?
    private let axis: Axis

    /// A chart.
    ///
    /// - Parameters:
    ///   - title: What is drawn, for those who cannot see it.
    ///   - rows: In order, at least one.
    ///   - reference: A line through all rows, such as chance.
    ///   - range: Numbers that the axis takes in whatever the rows say.
    init(title: String, rows: [Row], reference: Double? = nil, range: [Double] = []) {
        self.title = title
        self.rows = rows
        self.reference = reference
        let ends = rows.flatMap { [$0.value, $0.interval?.lower, $0.interval?.upper] }
        axis = Axis(
            ends.compactMap { $0 } + range + [reference].compactMap { $0 }, includesZero: false,
            wanted: 5)
    }

    /// The chart.
    var html: String {
        let lines = rows.map { row in
            "<div class=\"row\(row.isFaint ? " faint" : "")\"><span>\(row.name.htmlEscaped)</span>"
                + "\(track(row))<span>\(row.text.htmlEscaped)</span></div>"
        }
        let ticks = axis.ticks.map {
            "<i style=\"left:\(format(place($0)))%\">\(axis.text($0))</i>"
        }
        return "<figure class=\"forest\" role=\"img\" aria-label=\"\(title.htmlEscaped)\">"
            + lines.joined()
            + "<div class=\"row axis\" aria-hidden=\"true\"><span></span><div>\(ticks.joined())</div>"
            + "<span></span></div></figure>"
    }

    /// Percent of the width; a little room is left at both ends.
    private func place(_ value: Double) -> Double { 2 + 96 * axis.fraction(of: value) }

    private func track(_ row: Row) -> String {
        func line(
            _ kind: String, _ from: Double, _ to: Double, _ top: Int, _ bottom: Int
        ) -> SVGElement {
            SVGElement(
                "line",
                [
                    "class": kind, "x1": format(place(from)), "x2": format(place(to)), "y1": top,
                    "y2": bottom,
                ])
        }
        var parts = [SVGElement("title", says: "\(row.name): \(row.text)")]
        parts += axis.ticks.map { line("grid", $0, $0, 0, 10) }
        if let reference { parts.append(line("reference", reference, reference, 0, 10)) }
        if let interval = row.interval {
            parts.append(line("range", interval.lower, interval.upper, 5, 5))
        }
        // A line of no length with round ends is a disc, however the drawing is stretched.
        parts.append(line("point", row.value, row.value, 5, 5))
        return SVGElement(
            "svg", ["viewBox": "0 0 100 10", "preserveAspectRatio": "none"], parts
        ).text
    }
}
