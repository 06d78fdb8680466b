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
        let items = legend.enumerated().map { number, item in
            let y = Self.size.height + 18 + 16 * Double(number / 3)
            let x = 12 + 156 * Double(number % 3)
            return Self.mark(item.group, x, y)
                + "<text x=\"\(format(x + 10))\" y=\"\(format(y + 4))\">\(item.text.htmlEscaped)</text>"
        }
        let rows = Double((items.count + 2) / 3)
        return svg(
            attributes: "xmlns=\"http://www.w3.org/2000/svg\" ", style: Self.style,
            below: items.joined(), room: 12 + 16 * rows) + "\n"
    }

    private func svg(
        attributes: String = "", style: String = "", below: String = "", room: Double = 0
    ) -> String {
        let (across, up) = (span(points.map(\.x)), span(points.map(\.y)))
        // Records without a group lie behind all others.
        let marks = (points.filter { $0.group == nil } + points.filter { $0.group != nil }).map {
            point in
            let x = 12 + (Self.size.width - 24) * across(point.x)
            let y = 12 + (Self.size.height - 24) * (1 - up(point.y))
            return "<g>\(Self.mark(point.group, x, y))<title>\(point.label.htmlEscaped)</title></g>"
        }
        let size = Self.size
        return "<svg \(attributes)"
            + "viewBox=\"0 0 \(format(size.width)) \(format(size.height + room))\" role=\"img\">"
            + "<title>\(title.htmlEscaped)</title>\(style)"
            + "<rect class=\"frame\" x=\"1\" y=\"1\" width=\"\(format(size.width - 2))\" "
            + "height=\"\(format(size.height - 2))\"/>\(marks.joined())\(below)</svg>"
    }

    /// Where between the least and the largest value one lies, from 0 to 1.
    private func span(_ values: [Double]) -> (Double) -> Double {
        let (low, high) = (values.min() ?? 0, values.max() ?? 1)
        return { high > low ? ($0 - low) / (high - low) : 0.5 }
    }

    private static func mark(_ group: Int?, _ x: Double, _ y: Double) -> String {
        guard let group else {
            return "<circle class=\"dot none\" cx=\"\(format(x))\" cy=\"\(format(y))\" r=\"2\"/>"
        }
        let colour = "class=\"dot f\(group % 6)\""
        func path(_ shape: String) -> String {
            "<path \(colour) d=\"M\(format(x)) \(format(y))\(shape)\"/>"
        }
        switch group % 6 {
        case 0: return "<circle \(colour) cx=\"\(format(x))\" cy=\"\(format(y))\" r=\"4.5\"/>"
        case 1: return path("m-4 -4h8v8h-8z")
        case 2: return path("m0 -5l5 9h-10z")
        case 3: return path("m0 -6l5 6l-5 6l-5 -6z")
        case 4: return path("m0 5l5 -9h-10z")
        default: return path("m-1.5 -5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z")
        }
    }

    private static let style = """
        <style>:root{color-scheme:light dark}svg{background:#fff}text{font:12px sans-serif;fill:#1d2733}
        .frame{fill:none;stroke:#dfe5ea}.dot{stroke:#fff;stroke-width:.5;fill-opacity:.85}
        .f0{fill:#1f6f8b}.f1{fill:#c0392b}.f2{fill:#6c8b1f}.f3{fill:#7d3c98}.f4{fill:#b9770e}.f5{fill:#7b8794}.none{fill:#b8c2cc}
        @media(prefers-color-scheme:dark){svg{background:#12181f}text{fill:#e4eaf0}.frame{stroke:#2b3742}.dot{stroke:#12181f}
        .f0{fill:#5cb8d6}.f1{fill:#f08072}.f2{fill:#a9cc5a}.f3{fill:#c792ea}.f4{fill:#f0b35a}.f5{fill:#8796a5}.none{fill:#4a5866}}</style>
        """
}
