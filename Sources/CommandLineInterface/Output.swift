import Foundation
import Runtime

/// What a command found out.
public protocol CommandResult {
    /// For programs: what `--json` prints.
    var json: JSONValue { get }
    /// For people.
    var text: String { get }
}

/// Results on standard output.
///
/// Results are what a command is for: where they cannot be written the command fails, unlike a line of the log.
public enum Output {
    /// Prints text and a line break; ends the process where that cannot be done.
    ///
    /// Control characters but for line breaks and tabs are escaped, as names and comments of files may hold them.
    /// Where the reader is gone, as in `purkinje … | head`, it ends with code 141 and no word, as other programs do.
    public static func write(_ text: String) { writeRaw(text.controlsEscaped()) }

    /// Empties the terminal, for a picture that takes the place of the last one; nothing happens in a pipe or a file.
    public static func clearTerminal() {
        guard isatty(STDOUT_FILENO) == 1 else { return }
        writeRaw("\u{1B}[H\u{1B}[2J", ending: "")
    }

    private static func writeRaw(_ text: String, ending: String = "\n") {
        // On a terminal, what was logged before stands above.
        LogQueue.standardError.flush()
        do throws(SystemError) {
            try write(text, ending: ending, to: STDOUT_FILENO)
        } catch {
            guard error.code != EPIPE else { Program.end(.outputClosed) }
            Log().error("\(error); results are missing, files that were named are whole")
            Program.end(.failure)
        }
    }

    /// Prints text and a line break.
    static func write(
        _ text: String, ending: String = "\n", to descriptor: Int32
    ) throws(SystemError) {
        var line = text + ending
        let code = line.withUTF8 { writeWhole(UnsafeRawBufferPointer($0), to: descriptor).code }
        guard code == 0 else {
            throw SystemError(call: "write", subject: "standard output", code: code)
        }
    }

    /// Prints a JSON value, keys sorted, on one line unless it is to be pretty.
    ///
    /// The control characters that JSON lets pass, DEL and those above, are escaped as it escapes the others.
    public static func write(_ value: JSONValue, pretty: Bool = false) {
        var text = ""
        for scalar in value.text(pretty: pretty).unicodeScalars {
            if ("\u{7F}"..."\u{9F}").contains(scalar) {
                text += "\\u00" + String(scalar.value, radix: 16)
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        writeRaw(text)
    }

    /// Prints what a command found out, for programs or for people.
    public static func write(_ result: some CommandResult, asJSON: Bool) {
        if asJSON { write(result.json) } else { write(result.text) }
    }

    /// Text in columns: first row the heads; numbers to the right.
    public static func table(_ rows: [[String]]) -> String {
        let rows = rows.map { row in row.map { $0.controlsEscaped(keepsLines: false) } }
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
