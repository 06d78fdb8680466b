import Foundation
import Runtime

/// A line of a file of JSON objects that cannot be used, and why.
public struct DamagedLine: Sendable, Equatable, CustomStringConvertible {
    /// The file.
    public let path: FilePath
    /// Lines count from 1.
    public var number: Int
    /// What is wrong with it.
    public let problem: String
    /// The line as it is, without its end.
    let bytes: [UInt8]

    /// Where, and what is wrong.
    public var description: String { "\(path): line \(number): \(problem)" }
}

/// A file that has one JSON object a line.
///
/// A line stands for itself: one that is damaged is passed over, and says nothing of those behind it.
struct JSONLines {
    /// What is added to the name of a file for the lines that were set aside from it.
    static let asideEnding = ".damaged"

    private let path: FilePath
    private let files: any FileSystem
    private let text: [UInt8]
    /// Where in the file the text begins.
    private let start: Int

    /// Reads a file, from the start of a line on.
    ///
    /// Reads instead of mapping, for the file may be cut meanwhile.
    ///
    /// - Parameters:
    ///   - path: The file; an absent one has no lines.
    ///   - files: Where it is.
    ///   - bytes: How far to look back from the end; `nil` reads all of it.
    /// - Throws: `SystemError` where the file is there and cannot be read.
    init(
        _ path: FilePath, in files: any FileSystem, last bytes: Int? = nil
    ) throws(SystemError) {
        self.path = path
        self.files = files
        let file: any File
        do throws(SystemError) {
            file = try files.open(path, .reading)
        } catch {
            guard error.code == ENOENT else { throw error }
            (text, start) = ([], 0)
            return
        }
        let status = try file.status()
        guard status.kind == .regular else { throw .notRegular(path) }
        let size = status.byteCount
        let wanted = max(0, size - (bytes ?? size))
        let read = try file.read(at: wanted, count: size - wanted)
        guard wanted > 0 else {
            (text, start) = (read, 0)
            return
        }
        let first = read.firstIndex(of: 0x0A).map { $0 + 1 } ?? read.count
        (text, start) = (Array(read[first...]), wanted + first)
    }

    /// Whether all of the file was read.
    var isWhole: Bool { start == 0 }

    /// Goes through the lines.
    ///
    /// - Parameters:
    ///   - check: What is wrong with an object; `nil` where it is right.
    ///   - body: Gets every object that is right, and where its line lies in what was read, without its end.
    /// - Returns: The other lines.
    func scan(
        check: (JSONValue, Int) -> String? = { _, _ in nil },
        _ body: (JSONValue, Range<Int>) -> Void
    ) -> [DamagedLine] {
        var damaged: [DamagedLine] = []
        var (begin, number) = (0, 0)
        while begin < text.count {
            let newline = text[begin...].firstIndex(of: 0x0A)
            let range = begin..<(newline ?? text.count)
            begin = range.upperBound + 1
            number += 1
            let problem: String
            switch Self.parse(text[range], isTorn: newline == nil) {
            case .success(let value):
                guard let found = check(value, number) else {
                    body(value, range)
                    continue
                }
                problem = found
            case .failure(let failure): problem = failure.problem
            }
            damaged.append(
                DamagedLine(
                    path: path, number: number, problem: problem, bytes: Array(text[range])))
        }
        guard !damaged.isEmpty, let before = try? linesBefore() else { return damaged }
        for index in damaged.indices { damaged[index].number += before }
        return damaged
    }

    private struct Failure: Error {
        let problem: String
    }

    private static func parse(
        _ line: ArraySlice<UInt8>, isTorn: Bool
    ) -> Result<JSONValue, Failure> {
        guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else {
            return .failure(Failure(problem: "it is empty"))
        }
        do throws(JSONSyntaxError) {
            let value = try JSONValue(parsing: line)
            return value.objectValue == nil
                ? .failure(Failure(problem: "it is no JSON object")) : .success(value)
        } catch {
            return .failure(
                Failure(
                    problem: isTorn
                        ? "it is torn off, as by a kill"
                        : "it is no JSON (column \(error.column): \(error.problem))"))
        }
    }

    /// Lines of the file before those that were read.
    private func linesBefore() throws(SystemError) -> Int {
        guard start > 0 else { return 0 }
        let file = try files.open(path, .reading)
        var count = 0
        for offset in stride(from: 0, to: start, by: 1 << 20) {
            count += try file.read(at: offset, count: min(1 << 20, start - offset))
                .count { $0 == 0x0A }
        }
        return count
    }
}

extension JSONLines {
    /// Makes a file hold its whole lines alone, as far as they are wanted, each with its end.
    ///
    /// Damaged lines go into a file beside it, with their numbers and the time, so that nothing is lost that somebody
    /// could still read.
    ///
    /// - Parameters:
    ///   - path: The file; an absent one stays absent.
    ///   - files: Where it is.
    ///   - check: What is wrong with an object; `nil` where it is right.
    ///   - isWanted: Whether a line that is right stays.
    ///   - doubt: Of all lines that are right, with whether they stay: which are damaged after all, and why.
    /// - Returns: What was done about damaged lines, a sentence each; of very many, how many more there are.
    /// - Throws: `SystemError`; the file is then as it was.
    static func mend(
        _ path: FilePath, in files: any FileSystem,
        check: (JSONValue, Int) -> String? = { _, _ in nil },
        keeping isWanted: (JSONValue) -> Bool = { _ in true },
        doubting doubt: ([(value: JSONValue, stays: Bool)]) -> [Int: String] = { _ in [:] }
    ) throws(SystemError) -> [String] {
        let file = try JSONLines(path, in: files)
        var lines: [(value: JSONValue, stays: Bool)] = []
        var ranges: [Range<Int>] = []
        var damaged = file.scan(check: check) { value, range in
            lines.append((value, isWanted(value)))
            ranges.append(range)
        }
        let doubtful = doubt(lines)
        damaged += doubtful.map { index, problem in
            DamagedLine(
                path: path, number: file.number(ofLineAt: ranges[index].lowerBound),
                problem: problem, bytes: Array(file.text[ranges[index]]))
        }
        damaged.sort { $0.number < $1.number }
        let kept = ranges.indices.filter { lines[$0].stays && doubtful[$0] == nil }
            .map { ranges[$0] }
        let end = kept.last.map { $0.upperBound + 1 } ?? 0
        let keptBytes = kept.reduce(0) { $0 + $1.count + 1 }
        guard !damaged.isEmpty || keptBytes != file.text.count else { return [] }
        if damaged.isEmpty, keptBytes == end, end < file.text.count {
            // Nothing but an end is unwanted: needs no room on the disk, and who follows the file keeps it.
            try files.open(path, .present).truncate(to: end)
            return []
        }
        if !damaged.isEmpty { try setAside(damaged, from: path, in: files) }
        var content: [UInt8] = []
        content.reserveCapacity(keptBytes)
        for range in kept {
            content += file.text[range]
            content.append(0x0A)
        }
        try files.write(content, to: path)
        let sentences = damaged.prefix(mostSentences).map {
            "\($0); it was set aside in \(path)\(asideEnding), and the lines behind it stay"
        }
        let more = damaged.count - sentences.count
        return sentences
            + (more > 0 ? ["\(path): \(more) more lines were set aside in the same way"] : [])
    }

    /// Files that are damaged in more places than this are not told of line by line.
    private static let mostSentences = 20

    private func number(ofLineAt offset: Int) -> Int {
        text[..<offset].count { $0 == 0x0A } + 1
    }

    private static func setAside(
        _ damaged: [DamagedLine], from path: FilePath, in files: any FileSystem
    ) throws(SystemError) {
        let aside = try AppendedFile(path: path + asideEnding, in: files)
        let time = Date().formatted(Date.ISO8601FormatStyle())
        var text: [UInt8] = []
        for line in damaged {
            text += Array("\(time) line \(line.number): ".utf8)
            text += line.bytes
            text.append(0x0A)
        }
        try aside.append(text)
        try aside.synchronise()
    }
}
