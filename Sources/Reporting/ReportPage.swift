import Runtime

/// One self-contained HTML page: no file, font or script from elsewhere.
public struct ReportPage: Sendable {
    /// A part of the page under a heading.
    public struct Section: Sendable {
        /// The heading.
        public var title: String
        /// HTML.
        public var body: String

        /// A part with its heading.
        public init(title: String, body: String) {
            self.title = title
            self.body = body
        }
    }

    private let title: String
    private let subtitle: String
    private let sections: [Section]

    /// A page.
    ///
    /// - Parameters:
    ///   - title: What it is about.
    ///   - subtitle: One line below.
    ///   - sections: In order; those without a body are left out.
    public init(title: String, subtitle: String, sections: [Section]) {
        self.title = title
        self.subtitle = subtitle
        self.sections = sections.filter { !$0.body.isEmpty }
    }

    /// The whole file.
    public var html: String {
        let links = sections.enumerated().map { number, section in
            "<a href=\"#part-\(number)\">\(section.title.htmlEscaped)</a>"
        }
        let parts = sections.enumerated().map { number, section in
            "<section id=\"part-\(number)\"><h2>\(section.title.htmlEscaped)</h2>\n\(section.body)</section>\n"
        }
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="\(Self.policy)">
            <link rel="icon" href="data:,">
            <title>\(title.htmlEscaped)</title>
            <style>\(ReportStyle.text)</style></head>
            <body><header><h1>\(title.htmlEscaped)</h1><p>\(subtitle.htmlEscaped)</p>
            <nav>\(links.joined(separator: " "))</nav></header>
            <main>
            \(parts.joined())</main></body></html>

            """
    }

    /// What browsers refuse to do for the page: run a script, or ask anybody for anything.
    private static let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

    /// Rows under a header; columns of numbers stand right.
    ///
    /// - Parameters:
    ///   - header: Names of the columns.
    ///   - rows: Cells as plain text, whose lines are kept.
    /// - Returns: HTML that scrolls sideways where it is too wide.
    public static func table(header: [String], rows: [[String]]) -> String {
        // Words in place of a number, such as “too few”, leave a column one of numbers.
        func isNumber(_ cell: String) -> Bool {
            cell.split(separator: "\n").first.map {
                Double($0) != nil || !$0.contains(where: \.isNumber)
            } ?? true
        }
        let classes = header.indices.map { column in
            let cells = rows.compactMap { column < $0.count ? $0[column] : nil }
            let isNumeric =
                cells.contains { $0.first?.isNumber ?? false || "+-".contains($0.first ?? " ") }
                && cells.allSatisfy(isNumber)
            return isNumeric ? " class=\"number\"" : ""
        }
        func cell(_ tag: String, _ column: Int, _ text: String) -> String {
            let lines = text.htmlEscaped.split(separator: "\n", omittingEmptySubsequences: false)
            let further = lines.dropFirst().map { "<br><small>\($0)</small>" }.joined()
            return "<\(tag)\(classes[column])>\(lines[0])\(further)</\(tag)>"
        }
        let head = header.indices.map { cell("th", $0, header[$0]) }.joined()
        let body = rows.map { row in
            "<tr>" + row.indices.map { cell("td", $0, row[$0]) }.joined() + "</tr>"
        }
        return "<div class=\"scroll\"><table><thead><tr>\(head)</tr></thead>"
            + "<tbody>\(body.joined(separator: "\n"))</tbody></table></div>"
    }

    /// Large numbers with a word below each.
    public static func tiles(_ tiles: [(value: String, label: String)]) -> String {
        let parts = tiles.map {
            "<div><b>\($0.value.htmlEscaped)</b><span>\($0.label.htmlEscaped)</span></div>"
        }
        return "<div class=\"tiles\">\(parts.joined())</div>"
    }

    /// Text that opens on a click.
    public static func folded(_ summary: String, _ body: String) -> String {
        "<details><summary>\(summary.htmlEscaped)</summary>\(body)</details>"
    }
}
