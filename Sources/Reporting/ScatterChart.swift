import Drawing
import Runtime

/// Records in a plane, coloured and shaped by group.
public struct ScatterChart: Sendable {
    /// A record.
    public struct Point: Sendable {
        /// Where it is.
        public var x: Double
        /// Where it is.
        public var y: Double
        /// Number of its group, `nil` for none; from the seventh on groups look like former ones.
        public var group: Int?
        /// What hovering over it shows.
        public var label: String

        /// A record in a plane.
        public init(x: Double, y: Double, group: Int?, label: String) {
            (self.x, self.y) = (x, y)
            (self.group, self.label) = (group, label)
        }
    }

    private let title: String
    private let groups: [String]
    private let points: [Point]
    private static let size = (width: 480.0, height: 400.0)
    private static let glyphs = ["●", "■", "▲", "◆", "▼", "✚"]

    /// Groups that have records, with the records that have none behind.
    private var legend: [(group: Int?, text: String)] {
        let all = groups.enumerated().map { (Optional($0), $1) } + [(nil, "no label")]
        return all.compactMap { group, name in
            let count = points.count { $0.group == group }
            return count > 0 ? (group, "\(name) (\(count))") : nil
        }
    }

    /// A chart without axes: only who is near whom means something.
    ///
    /// - Parameters:
    ///   - title: What is drawn, for those who cannot see it.
    ///   - groups: Names of the groups.
    ///   - points: Records; those that are not finite are left out.
    public init(title: String, groups: [String], points: [Point]) {
        self.title = title
        self.groups = groups
        self.points = points.filter { $0.x.isFinite && $0.y.isFinite }
    }

    /// The drawing with its legend.
    public var html: String {
        let items = legend.map { group, text in
            let (glyph, colour) = group.map { (Self.glyphs[$0 % 6], "s\($0 % 6)") } ?? ("·", "none")
            return "<span class=\"group\"><span class=\"glyph \(colour)\">\(glyph)</span> "
                + "\(text.htmlEscaped)</span>"
        }
        return "<figure class=\"map\"><figcaption>\(items.joined(separator: " "))</figcaption>"
            + "\(svg())</figure>"
    }

    /// The drawing as a file of its own, with light and dark colours.
    public var file: String {
        let items = legend.enumerated().flatMap { number, item in
            let y = Self.size.height + 18 + 16 * Double(number / 3)
            let x = 12 + 156 * Double(number % 3)
            return [
                Self.mark(item.group, x, y),
                SVGElement("text", ["x": format(x + 10), "y": format(y + 4)], says: item.text),
            ]
        }
        let rows = Double((legend.count + 2) / 3)
        return SVGElement.file(
            width: Self.size.width, height: Self.size.height + 12 + 16 * rows,
            attributes: ["role": "img"],
            content(style: SVGElement.style(Self.style)) + items)
    }

    private func svg() -> String {
        let (width, height) = Self.size
        return SVGElement(
            "svg", ["viewBox": "0 0 \(format(width)) \(format(height))", "role": "img"],
            content(style: nil)
        ).text
    }

    private func content(style: SVGElement?) -> [SVGElement] {
        let (across, up) = (span(points.map(\.x)), span(points.map(\.y)))
        // Records without a group lie behind all others.
        let marks = (points.filter { $0.group == nil } + points.filter { $0.group != nil }).map {
            point in
            let x = 12 + (Self.size.width - 24) * across(point.x)
            let y = 12 + (Self.size.height - 24) * (1 - up(point.y))
            return SVGElement(
                "g", [:],
                [Self.mark(point.group, x, y), SVGElement("title", says: point.label)])
        }
        let frame = SVGElement(
            "rect",
            [
                "class": "frame", "x": 1, "y": 1, "width": format(Self.size.width - 2),
                "height": format(Self.size.height - 2),
            ])
        return [SVGElement("title", says: title)] + (style.map { [$0] } ?? []) + [frame] + marks
    }

    /// Where between the least and the largest value one lies, from 0 to 1.
    private func span(_ values: [Double]) -> (Double) -> Double {
        let (low, high) = (values.min() ?? 0, values.max() ?? 1)
        return { high > low ? ($0 - low) / (high - low) : 0.5 }
    }

    private static func mark(_ group: Int?, _ x: Double, _ y: Double) -> SVGElement {
        func circle(_ name: String, _ radius: Double) -> SVGElement {
            SVGElement(
                "circle", ["class": "dot \(name)", "cx": format(x), "cy": format(y), "r": radius])
        }
        guard let group else { return circle("none", 2) }
        let name = "f\(group % 6)"
        func path(_ shape: String) -> SVGElement {
            SVGElement(
                "path", ["class": "dot \(name)", "d": "M\(format(x)) \(format(y))\(shape)"])
        }
        switch group % 6 {
        case 0: return circle(name, 4.5)
        case 1: return path("m-4 -4h8v8h-8z")
        case 2: return path("m0 -5l5 9h-10z")
        case 3: return path("m0 -6l5 6l-5 6l-5 -6z")
        case 4: return path("m0 5l5 -9h-10z")
        default: return path("m-1.5 -5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z")
        }
    }

    private static let style: String = {
        let fills = Palette.series.prefix(5) + [Palette.other]
        func rules(_ shade: (Palette.Shade) -> String) -> String {
            fills.enumerated().map { ".f\($0){fill:\(shade($1))}" }.joined()
                + ".none{fill:\(shade(Palette.unknown))}"
        }
        let (paper, ink, line) = (Palette.paper, Palette.ink, Palette.line)
        return """
            :root{color-scheme:light dark}svg{background:\(paper.light)}text{font:12px sans-serif;fill:\(ink.light)}
            .frame{fill:none;stroke:\(line.light)}.dot{stroke:\(paper.light);stroke-width:.5;fill-opacity:.85}
            \(rules(\.light))
            @media(prefers-color-scheme:dark){svg{background:\(paper.dark)}text{fill:\(ink.dark)}.frame{stroke:\(line.dark)}.dot{stroke:\(paper.dark)}
            \(rules(\.dark))}
            """
    }()
}
