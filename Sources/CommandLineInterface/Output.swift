import Foundation
import Runtime

/// Results on standard output.
///
/// Results are what a command is for: where they cannot be written the command fails, unlike a line of the log.
public enum Output {
    /// Prints text and a line break; ends the process where that cannot be done.
    ///
    /// Where the reader is gone, as in `purkinje … | head`, it ends with code 141 and no word, as other programs do.
    public static func write(_ text: String) {
        // On a terminal, what was logged before stands above.
        LogQueue.standardError.flush()
        do throws(SystemError) {
            try write(text, to: STDOUT_FILENO)
        } catch {
            guard error.code != EPIPE else { Program.end(.outputClosed) }
            Log().error("\(error); results are missing, files that were named are whole")
            Program.end(.failure)
        }
    }

    /// Prints text and a line break.
    static func write(_ text: String, to descriptor: Int32) throws(SystemError) {
        var line = text + "\n"
        let code = line.withUTF8 { writeWhole(UnsafeRawBufferPointer($0), to: descriptor).code }
        guard code == 0 else {
            throw SystemError(call: "write", subject: "standard output", code: code)
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
