import Drawing
import Foundation
import Runtime

/// Lines over a common axis as an SVG drawing that takes its colours from the page.
public struct LineChart: Sendable {
    /// A line.
    public struct Series: Sendable {
        /// For the legend and for hovering.
        public var name: String
        /// Points, ascending in x; those that are not finite are left out.
        public var points: [(x: Double, y: Double)]
        /// Whether the points themselves are drawn.
        public var hasMarks: Bool

        /// A line with a name.
        public init(name: String, points: [(x: Double, y: Double)], hasMarks: Bool = false) {
            self.name = name
            self.points = points.filter { $0.x.isFinite && $0.y.isFinite }
            self.hasMarks = hasMarks
        }
    }

    private let title: String
    private let xLabel: String
    private let series: [Series]
    private let isStepped: Bool
    private let isSmall: Bool
    private let size: (width: Double, height: Double)
    private let x: Axis
    private let y: Axis

    private static let margin = (left: 62.0, right: 16.0, top: 14.0, bottom: 46.0)

    /// A chart.
    ///
    /// - Parameters:
    ///   - title: What is drawn, for those who cannot see it.
    ///   - xLabel: The horizontal axis.
    ///   - series: Lines, at least one point among them.
    ///   - startsAtZero: Whether the vertical axis begins at 0.
    ///   - isStepped: Whether a value holds until the next one.
    ///   - isLogarithmic: Whether equal distances to the right are equal factors; ticks are then the points' own numbers.
    ///   - isSmall: Whether it stands beside another one.
    ///   - height: In units of the drawing, which is 720 wide, and 400 where it is small.
    public init(
        title: String, xLabel: String = "step", series: [Series], startsAtZero: Bool = false,
        isStepped: Bool = false, isLogarithmic: Bool = false, isSmall: Bool = false,
        height: Double = 260
    ) {
        self.title = title
        self.xLabel = xLabel
        self.series = series
        self.isStepped = isStepped
        self.isSmall = isSmall
        size = (isSmall ? 400 : 720, height)
        let points = series.flatMap(\.points)
        x =
            isLogarithmic
            ? Axis(logarithmic: points.map(\.x))
            : Axis(points.map(\.x), includesZero: false, wanted: isSmall ? 4 : 7)
        y = Axis(points.map(\.y), includesZero: startsAtZero, wanted: 5)
    }

    /// The drawing with its legend.
    public var html: String {
        let legend = series.count < 2 ? "" : legendHTML
        let size = isSmall ? "chart" : "chart wide"
        return "<figure class=\"\(size)\">\(legend)\(svg)</figure>"
    }

    private var legendHTML: String {
        let items = series.enumerated().map { index, line in
            "<span class=\"key s\(index % 6)\">\(line.name.htmlEscaped)</span>"
        }
        return "<figcaption>\(items.joined())</figcaption>"
    }

    private var svg: String {
        let margin = Self.margin
        let (right, bottom) = (size.width - margin.right, size.height - margin.bottom)
        var parts = [SVGElement("title", says: title)]
        for tick in y.ticks {
            let place = format(placeY(tick))
            parts.append(
                SVGElement(
                    "line",
                    [
                        "class": "grid", "x1": format(margin.left), "x2": format(right),
                        "y1": place, "y2": place,
                    ]))
            parts.append(
                SVGElement(
                    "text",
                    [
                        "x": format(margin.left - 8), "y": place, "text-anchor": "end",
                        "dominant-baseline": "middle",
                    ], says: y.text(tick)))
        }
        parts += x.ticks.map {
            text(x.text($0), x: placeX($0), y: bottom + 18)
        }
        parts.append(text(xLabel, x: (margin.left + right) / 2, y: size.height - 4))
        for (index, line) in series.enumerated() { parts += drawing(of: line, index: index) }
        return SVGElement(
            "svg",
            ["viewBox": "0 0 \(format(size.width)) \(format(size.height))", "role": "img"], parts
        ).text
    }

    private func text(_ text: String, x: Double, y: Double) -> SVGElement {
        SVGElement(
            "text", ["x": format(x), "y": format(y), "text-anchor": "middle"], says: text)
    }

    private func drawing(of line: Series, index: Int) -> [SVGElement] {
        let colour = "s\(index % 6)"
        var path = ""
        var former: (x: Double, y: Double)?
        for point in line.points {
            let (px, py) = (format(placeX(point.x)), format(placeY(point.y)))
            if former == nil {
                path += "M\(px) \(py)"
            } else {
                path += isStepped ? "H\(px)V\(py)" : "L\(px) \(py)"
            }
            former = point
        }
        var parts = [SVGElement("path", ["class": "line \(colour)", "d": path])]
        // Large invisible discs to hover over, few enough to keep the page small.
        let stride = max(1, line.points.count / 60)
        for (number, point) in line.points.enumerated() where number % stride == 0 || line.hasMarks
        {
            let (x, y) = (format(placeX(point.x)), format(placeY(point.y)))
            if line.hasMarks {
                parts.append(
                    SVGElement(
                        "circle", ["class": "mark \(colour)", "cx": x, "cy": y, "r": 2.5]))
            }
            let words =
                "\(line.name), \(xLabel) \(self.x.text(point.x)): \(significant(point.y))"
            parts.append(
                SVGElement(
                    "circle", ["class": "hover", "cx": x, "cy": y, "r": 8],
                    [SVGElement("title", says: words)]))
        }
        return parts
    }

    private func placeX(_ value: Double) -> Double {
        let width = size.width - Self.margin.left - Self.margin.right
        return Self.margin.left + x.fraction(of: value) * width
    }

    private func placeY(_ value: Double) -> Double {
        let height = size.height - Self.margin.top - Self.margin.bottom
        return size.height - Self.margin.bottom - y.fraction(of: value) * height
    }
}

/// A range of numbers with round ticks.
struct Axis: Sendable {
    let low: Double
    let high: Double
    let ticks: [Double]
    private let decimals: Int?
    private let isLogarithmic: Bool

    init(_ values: [Double], includesZero: Bool, wanted: Int) {
        var low = values.min() ?? 0
        var high = values.max() ?? 1
        if includesZero { (low, high) = (min(low, 0), max(high, 0)) }
        if low == high {
            let room = max(abs(low) * 0.1, 1e-9)
            (low, high) = (includesZero && low >= 0 ? low : low - room, high + room)
        }
        let rough = (high - low) / Double(wanted)
        let power = pow(10, floor(log10(rough)))
        let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough } ?? 10 * power
        let first = Int((low / step).rounded(.up))
        let last = Int((high / step).rounded(.down))
        ticks = first > last ? [] : (first...last).map { Double($0) * step }
        decimals = max(0, -Int(floor(log10(step) + 1e-9)))
        self.low = low
        self.high = high
        isLogarithmic = false
    }

    /// An axis of factors, with a tick at each of a few positive numbers.
    init(logarithmic values: [Double]) {
        ticks = Set(values).sorted()
        let (low, high) = (ticks.first ?? 1, ticks.last ?? 1)
        self.low = low
        self.high = high > low ? high : 2 * low
        decimals = nil
        isLogarithmic = true
    }

    func fraction(of value: Double) -> Double {
        isLogarithmic ? log(value / low) / log(high / low) : (value - low) / (high - low)
    }

    func text(_ value: Double) -> String {
        guard let decimals else { return significant(value) }
        let size = abs(value)
        guard size == 0 || (1e-4..<1e6).contains(size) else { return significant(value) }
        return String(format: "%.\(min(decimals, 8))f", value)
    }
}

/// A place in a chart: one decimal at the most keeps pages small.
func format(_ value: Double) -> String { svgNumber(value, decimals: 1) }

/// Four significant digits.
func significant(_ value: Double) -> String { String(format: "%.4g", value) }
