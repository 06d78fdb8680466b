import Runtime

/// Why a source of records could not be used: the file, the place in it, and what is wrong.
public struct SourceError: Error, Equatable, CustomStringConvertible {
    /// The file or folder.
    public let file: FilePath
    /// The row, column or entry.
    public let field: String
    /// What is wrong, and the remedy.
    public let problem: String

    /// The field of an error about two sources that share folders.
    public static let overlap = "source"

    /// One line: file, field, problem.
    public var description: String { "\(file): \(field): \(problem)" }
}

/// Chosen columns of a table of comma-separated values (RFC 4180: quotes, doubled quotes, line breaks in quotes).
struct LabelTable {
    /// One array a row, in the order of the columns asked for; columns that the table lacks are empty.
    private(set) var rows: [[String]] = []
    private let path: FilePath

    /// Parses a table.
    ///
    /// - Parameters:
    ///   - bytes: The file; a byte-order mark is skipped.
    ///   - path: The file, for messages.
    ///   - required: Names of columns that must be there.
    ///   - optional: Names of columns that may be missing.
    /// - Throws: `SourceError` for a missing column, an open quote, or a row with another number of cells.
    init(
        parsing bytes: [UInt8], path: FilePath, required: [String], optional: [String] = []
    ) throws(SourceError) {
        self.path = path
        if let problem = TextLines.problem(bytes) {
            throw SourceError(file: path, field: "encoding", problem: problem)
        }
        var scanner = Scanner(bytes: bytes)
        guard let names = try scanner.row(path: path) else {
            throw SourceError(file: path, field: "row 1", problem: "the table is empty")
        }
        var places: [Int?] = []
        for name in required + optional {
            let place = names.firstIndex(of: name)
            if place == nil, required.contains(name) {
                if let problem = Self.separatorProblem(names) {
                    throw SourceError(file: path, field: "row 1", problem: problem)
                }
                throw SourceError(
                    file: path, field: "column \(name.isEmpty ? "''" : name)",
                    problem:
                        "the table has no such column, but \(Self.listed(names)); name it so in row 1"
                )
            }
            places.append(place)
        }
        while let row = try scanner.row(path: path) {
            guard row.count == names.count else {
                throw SourceError(
                    file: path, field: "row \(scanner.rowNumber)",
                    problem: (row.count * 2 < names.count ? Self.separatorProblem(row) : nil)
                        ?? "\(row.count) cells where the first row has \(names.count); a cell with a comma in "
                        + "it needs quotes around it")
            }
            rows.append(places.map { place in place.map { row[$0] } ?? "" })
        }
    }

    /// Separators that spreadsheets write in place of commas, by the names that people know.
    private static let otherSeparators: [(character: Character, name: String)] = [
        (";", "semicolons"), ("\t", "tabs"), ("|", "bars"),
    ]

    /// What is wrong with a row that has one cell because its cells are not separated by commas; `nil` for another row.
    private static func separatorProblem(_ row: [String]) -> String? {
        // With decimal commas there are some cells, each with several numbers.
        let found = otherSeparators.first { separator, _ in
            row.reduce(0) { $0 + $1.count { $0 == separator } } >= max(1, row.count)
        }
        return found.map {
            "its cells are separated by \($0.name), not by commas; save the table as comma-separated values "
                + "(CSV with ',' between the cells and '.' in numbers)"
        }
    }

    private static func listed(_ names: [String]) -> String {
        let shown = names.prefix(12).map { "'\($0)'" }.joined(separator: ", ")
        return names.count > 12 ? "\(shown) and \(names.count - 12) more" : shown
    }

    /// Reads and parses a file.
    init(
        reading path: FilePath, required: [String], optional: [String] = []
    ) throws(SourceError) {
        let bytes: [UInt8]
        do {
            bytes = try SignalFile.read(path, upTo: 1 << 30, field: "table")
        } catch {
            throw SourceError(file: error.file, field: error.field, problem: error.problem)
        }
        try self.init(parsing: bytes, path: path, required: required, optional: optional)
    }

    private struct Scanner {
        let bytes: [UInt8]
        var position: Int
        var rowNumber = 0

        init(bytes: [UInt8]) {
            self.bytes = bytes
            position = TextLines.withoutMark(bytes).startIndex
        }

        /// The cells of the next row that is not empty; `nil` at the end.
        mutating func row(path: FilePath) throws(SourceError) -> [String]? {
            while position < bytes.count, bytes[position] == 10 || bytes[position] == 13 {
                position += 1
            }
            guard position < bytes.count else { return nil }
            rowNumber += 1
            var cells: [String] = []
            while true {
                cells.append(try cell(path: path))
                guard position < bytes.count, bytes[position] == UInt8(ascii: ",") else { break }
                position += 1
            }
            return cells
        }

        private mutating func cell(path: FilePath) throws(SourceError) -> String {
            let quote = UInt8(ascii: "\"")
            func ends(_ byte: UInt8) -> Bool {
                byte == UInt8(ascii: ",") || byte == 10 || byte == 13
            }
            guard position < bytes.count, bytes[position] == quote else {
                let start = position
                while position < bytes.count, !ends(bytes[position]) { position += 1 }
                return TextLines.decoded(bytes[start..<position])
            }
            position += 1
            var content: [UInt8] = []
            while position < bytes.count {
                if bytes[position] != quote {
                    content.append(bytes[position])
                    position += 1
                } else if position + 1 < bytes.count, bytes[position + 1] == quote {
                    content.append(quote)
                    position += 2
                } else {
                    position += 1
                    guard position == bytes.count || ends(bytes[position]) else { break }
                    return TextLines.decoded(content)
                }
            }
            throw SourceError(
                file: path, field: "row \(rowNumber)", problem: "a quoted cell does not end")
        }
    }
}
