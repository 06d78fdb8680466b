import Runtime
import Testing

/// The tables of docs/results are those of their stored numbers, as `scripts/fill-tables --check` says where there is a Python.
@Suite struct TableTests {
    @Test func tablesOfResultsAreAsTheirData() throws {
        let files = try Tree.files()
        let data = "docs/results/data/"
        var shown: [String] = []
        for page in files where page.hasPrefix("docs/results/") && page.hasSuffix(".md") {
            var block: (name: String, lines: [String])?
            for line in try Tree.text(page).split(separator: "\n", omittingEmptySubsequences: false)
                .map(String.init)
            {
                if let match = line.wholeMatch(of: /<!-- table: (.*) -->/) {
                    #expect(block == nil, "\(page): \(line) begins within another block")
                    block = (String(match.1), [])
                } else if line == "<!-- end -->" {
                    let (name, lines) = try #require(block, "\(page): an end without a beginning")
                    shown.append(data + name)
                    #expect(
                        try Self.table(data + name) == lines,
                        "\(page): the table is not as \(name); run scripts/fill-tables")
                    block = nil
                } else {
                    block?.lines.append(line)
                }
            }
            #expect(block == nil, "\(page): \(block?.name ?? "") has no end")
        }
        #expect(shown.count > 30)
        #expect(shown.sorted() == files.filter { $0.hasPrefix(data) }.sorted())
    }

    @Test func listedCodesAreThoseThatAreRead() throws {
        let source = try Tree.text("Sources/Electrocardiography/SnomedStatements.swift")
        let read = source.matches(of: /\.init\(\s*"(\d+)",\s*"([^"]*)"(?:,\s*\.(\w+))?\s*\)/)
            .map { "| \($0.1) | \($0.2) | \($0.3?.uppercased() ?? "none") |" }
        let listed = try Tree.lines("docs/snomed-codes.md").map(String.init)
            .filter { $0.first == "|" && $0.dropFirst(2).first?.isNumber == true }
        #expect(read.count > 100)
        #expect(read.sorted() == listed.sorted())
    }

    /// The lines of a stored table in Markdown.
    private static func table(_ path: String) throws -> [String] {
        let content = try JSONValue(parsing: Tree.text(path).utf8)
        for key in ["title", "command", "measured", "written"] {
            #expect(content[key] != nil, "\(path) has no '\(key)'")
        }
        let columns = try #require(content["columns"]?.arrayValue, "\(path) has no columns")
        let rows = try #require(content["rows"]?.arrayValue, "\(path) has no rows")
            .map { try #require($0.arrayValue, "\(path): a row is no list") }
        #expect(rows.allSatisfy { $0.count == columns.count }, "\(path): a row of other length")
        let rule = columns.map { _ in "---" }
        let cells = ([columns] + rows).map { $0.map { $0.stringValue ?? "" } }
        return ([cells[0], rule] + cells.dropFirst())
            .map { "| " + $0.joined(separator: " | ") + " |" }
    }
}
