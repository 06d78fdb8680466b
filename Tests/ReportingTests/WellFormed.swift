/// Finds tags that are not closed, or closed in the wrong order.
enum WellFormed {
    private static let empty = ["meta", "link", "br", "line", "path", "circle", "rect"]

    static func check(_ html: String) throws -> [String] {
        var (open, problems): ([String], [String]) = ([], [])
        for match in html.matches(of: /<(\/?)([a-zA-Z0-9]+)[^>]*?(\/?)>/) {
            let name = match.2.lowercased()
            guard !empty.contains(name), match.3.isEmpty else { continue }
            if match.1.isEmpty {
                open.append(name)
            } else if open.popLast() != name {
                problems.append("</\(name)> closes nothing")
            }
        }
        return problems + open.map { "<\($0)> is left open" }
    }
}
