import Foundation
import Runtime

/// Results on standard output.
public enum Output {
    /// Prints text and a line break.
    public static func write(_ text: String) {
        var line = text + "\n"
        line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let written = retryingInterrupts {
                    Foundation.write(STDOUT_FILENO, rest.baseAddress, rest.count)
                }
                guard written > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            }
        }
    }

    /// Prints a JSON value on one line, keys sorted.
    public static func write(_ value: JSONValue) {
        write(value.text())
    }

    /// Text in columns: first row the heads; numbers to the right.
    public static func table(_ rows: [[String]]) -> String {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        let numeric = (0..<count).map { column in
            rows.dropFirst().allSatisfy { column >= $0.count || $0[column].looksNumeric }
        }
        return rows.map { row in
            let cells = row.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                return numeric[column] ? padding + row[column] : row[column] + padding
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }
}

extension String {
    fileprivate var looksNumeric: Bool {
        first.map { $0.isNumber || $0 == "-" || $0 == "+" } ?? true
    }
}
