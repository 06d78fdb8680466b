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
            <link rel="icon" href="data:,">
            <title>\(title.htmlEscaped)</title>
            <style>\(Self.style)</style></head>
            <body><header><h1>\(title.htmlEscaped)</h1><p>\(subtitle.htmlEscaped)</p>
            <nav>\(links.joined(separator: " "))</nav></header>
            <main>
            \(parts.joined())</main></body></html>

            """
    }

    /// Rows under a header; numbers stand right.
    ///
    /// - Parameters:
    ///   - header: Names of the columns.
    ///   - rows: Cells as plain text.
    /// - Returns: HTML that scrolls sideways where it is too wide.
    public static func table(header: [String], rows: [[String]]) -> String {
        let head = header.map { "<th>\($0.htmlEscaped)</th>" }.joined()
        let body = rows.map { row in
            "<tr>"
                + row.map { cell in
                    "<td\(Double(cell) != nil ? " class=\"number\"" : "")>\(cell.htmlEscaped)</td>"
                }.joined() + "</tr>"
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

    private static let style = """
        :root{color-scheme:light dark;--paper:#fff;--ink:#1d2733;--faint:#5c6b7a;--line:#dfe5ea;--panel:#f5f7f9;
        --s0:#1f6f8b;--s1:#c0392b;--s2:#6c8b1f;--s3:#7d3c98;--s4:#b9770e;--s5:#34495e}
        @media(prefers-color-scheme:dark){:root{--paper:#12181f;--ink:#e4eaf0;--faint:#9fb0c0;--line:#2b3742;--panel:#1a232c;
        --s0:#5cb8d6;--s1:#f08072;--s2:#a9cc5a;--s3:#c792ea;--s4:#f0b35a;--s5:#a9bccf}}
        *{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);
        font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
        header,main{max-width:60rem;margin:0 auto;padding:1.2rem 1rem}h1{margin:0;font-size:1.7rem;line-height:1.2;
        overflow-wrap:anywhere}header p{color:var(--faint);margin:.3rem 0 .8rem;overflow-wrap:anywhere}
        nav a{color:var(--s0);margin-right:.8rem;text-decoration:none;white-space:nowrap}nav{line-height:1.9}
        h2{font-size:1.25rem;margin:2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
        h3{font-size:1rem;margin:1.2rem 0 .3rem}p{max-width:48rem}.note{color:var(--faint)}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.6rem}
        .tiles div{background:var(--panel);border-radius:.4rem;padding:.6rem .8rem}.tiles b{display:block;font-size:1.3rem;
        overflow-wrap:anywhere}.tiles span{color:var(--faint);font-size:.85rem}
        .scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;min-width:50%}
        th,td{text-align:left;padding:.25rem .7rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
        td.number{text-align:right;font-variant-numeric:tabular-nums}
        figure{margin:0 0 1rem}figcaption{font-size:.85rem;color:var(--faint)}svg{max-width:100%;height:auto;display:block}
        .chart svg{width:100%}.chart text{fill:var(--faint);font-size:12px}.grid{stroke:var(--line);stroke-width:1}
        .line{fill:none;stroke-width:1.8;stroke-linejoin:round}.hover{fill:transparent}.hover:hover{fill:var(--line)}
        .key{margin-right:1rem}.key:before{content:"";display:inline-block;width:.8rem;height:.2rem;margin:0 .4rem .2rem 0;
        background:currentColor;vertical-align:middle}
        .s0{stroke:var(--s0)}.s1{stroke:var(--s1)}.s2{stroke:var(--s2)}.s3{stroke:var(--s3)}.s4{stroke:var(--s4)}
        .s5{stroke:var(--s5)}.key.s0{color:var(--s0)}.key.s1{color:var(--s1)}.key.s2{color:var(--s2)}.key.s3{color:var(--s3)}
        .key.s4{color:var(--s4)}.key.s5{color:var(--s5)}.mark{fill:var(--paper)}
        .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(18rem,1fr));gap:1rem}
        .paper{background:#fff;border-radius:.4rem;padding:.3rem;overflow-x:auto}.paper svg{min-width:34rem;width:100%}
        pre{background:var(--panel);padding:.7rem;border-radius:.4rem;overflow-x:auto;font-size:.85rem}
        details{margin:.6rem 0}summary{cursor:pointer;color:var(--s0)}
        @media print{nav,summary{display:none}body{font-size:11pt}section{break-inside:avoid}header,main{max-width:none;padding:0}}
        """
}
