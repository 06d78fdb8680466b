import Foundation
import Runtime
import Testing

@testable import Runs

/// One bad line costs that line, wherever it stands.
@Suite struct DamagedLinesTests {
    private let run = TemporaryRun()
    private var directory: RunDirectory { run.directory }

    init() throws { try run.directory.create() }

    private func line(_ step: Int) -> String { #"{"loss":0.5,"step":\#(step)}"# }

    private func steps() throws -> [Int?] {
        try Data(contentsOf: URL(filePath: directory.metricsPath.text))
            .split(separator: 10, omittingEmptySubsequences: false).dropLast()
            .map { try JSONValue(parsing: $0)["step"]?.integerValue }
    }

    static let bad: [[UInt8]] = [
        [], Array(" \t".utf8), Array("\r".utf8), Array("no json".utf8), [0], [0, 0, 0, 0],
        [0xFF, 0xFE, 0x00, 0x80], Array("[1, 2]".utf8), Array("7".utf8), Array("null".utf8),
        Array("{}".utf8), Array(#"{"step": 3}"#.utf8), Array(#"{"step": 3, "loss": "a"}"#.utf8),
        Array(#"{"loss": 1}"#.utf8), Array(#"{"step": "3", "loss": 1}"#.utf8),
        Array(#"{"step": -1, "loss": 1}"#.utf8), Array(#"{"step": 2.5, "loss": 1}"#.utf8),
        Array(#"{"loss":0.5,"step":1}{"loss":0.5,"step":2}"#.utf8),
        [UInt8](repeating: 0x7B, count: 400_000), Array(#"{"loss":0.5,"step":1}"#.utf8),
    ]

    @Test(arguments: bad.indices, [0, 3, 6])
    func everyOtherLineStays(kind: Int, place: Int) throws {
        var lines = (1...6).map { Array(line($0).utf8) }
        // A line that is there twice is known as such by the first one before it.
        let place = kind == Self.bad.count - 1 ? max(1, place) : place
        lines.insert(Self.bad[kind], at: place)
        try AtomicFile.write(lines.flatMap { $0 + [10] }, to: directory.metricsPath)
        var read: [Int?] = []
        let damaged = try directory.readMetrics { read.append($0["step"]?.integerValue) }
        #expect(damaged.map(\.number) == [place + 1])
        #expect(directory.damagedLines() == damaged)
        #expect(try directory.lastMetrics().training?["step"] == 6)

        let log = try MetricsLog(directory, after: 4)
        #expect(log.mendings.count == 1)
        #expect(log.mendings.first?.contains("metrics.jsonl: line \(place + 1): ") == true)
        #expect(read == [1, 2, 3, 4, 5, 6])
        #expect(try steps() == [1, 2, 3, 4])
        let aside = try Data(contentsOf: URL(filePath: "\(directory.metricsPath).damaged"))
        let parts = aside.split(separator: 0x20, maxSplits: 3, omittingEmptySubsequences: false)
        #expect(parts.count == 4 && parts[3].elementsEqual(Self.bad[kind] + [10]))
        #expect(parts[2].elementsEqual("\(place + 1):".utf8))
        #expect(try MetricsLog(directory, after: 4).mendings.isEmpty)
        #expect(directory.damagedLines().isEmpty)
    }

    @Test func manyDamagedLinesAreEachNamed() throws {
        let text = "\n\(line(1))\nx\ny\n\(line(2))\r\n\u{0}\n\(line(3))\n{\"step\":4,\"lo"
        try AtomicFile.write(text, to: directory.metricsPath)
        let damaged = try directory.readMetrics { _ in }
        #expect(damaged.map(\.number) == [1, 3, 4, 6, 8])
        #expect(damaged.last?.problem.contains("torn off") == true)
        #expect(try MetricsLog(directory, after: 9).mendings.count == 5)
        #expect(try steps() == [1, 2, 3])
        let aside = try String(contentsOfFile: "\(directory.metricsPath).damaged", encoding: .utf8)
        #expect(aside.split(separator: "\n").count == 5)
    }

    @Test func aWholeLineWithoutItsEndIsWhole() throws {
        try AtomicFile.write(line(1) + "\n" + line(2), to: directory.metricsPath)
        let log = try MetricsLog(directory, after: 2)
        #expect(log.mendings.isEmpty)
        #expect(try steps() == [1, 2])
        try log.append(ValidationMetrics(step: 2, loss: 1))
        #expect(try steps() == [1, 2, 2])
    }

    @Test func onlyLaterStepsAreCutWhateverTheirOrder() throws {
        let lines = [1, 5, 2, 6, 3].map(line) + [#"{"step":3,"validation_loss":1}"#, line(4)]
        try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: directory.metricsPath)
        // Those before earlier ones are no later steps by all that one can see.
        #expect(try MetricsLog(directory, after: 3).mendings.count == 2)
        #expect(try steps() == [1, 2, 3])
    }

    /// A number that is too high is not cut in silence with the steps that come again.
    @Test(arguments: [1, 4, 9, 10], [70, 11, 1_000_000]) func aStepThatIsDamagedUpwardsIsSetAside(
        damaged: Int, into step: Int
    ) throws {
        var lines = (1...13).map(line)
        lines[damaged - 1] = line(step)
        try AtomicFile.write(lines.map { $0 + "\n" }.joined(), to: directory.metricsPath)
        let log = try MetricsLog(directory, after: 10)
        let kept = (1...10).filter { $0 != damaged }
        #expect(try steps() == kept)
        // Step 11 is there twice then, where one cannot say at the end which of the two is damaged.
        #expect(log.mendings.count == (step == 11 && damaged < 10 ? 2 : 1))
        let number = step == 11 && damaged == 10 ? 11 : damaged
        #expect(log.mendings.first?.contains("metrics.jsonl: line \(number): ") == true)
        let aside = try String(contentsOfFile: "\(directory.metricsPath).damaged", encoding: .utf8)
        #expect(aside.contains(" line \(number): \(line(step))\n"))
        #expect(try MetricsLog(directory, after: 10).mendings.isEmpty)
    }

    @Test func severalDamagedStepsAtTheEndAreSetAside() throws {
        let lines = (1...7).map(line) + [80, 90, 100].map(line) + [11, 12].map(line)
        try AtomicFile.write(lines.map { $0 + "\n" }.joined(), to: directory.metricsPath)
        let log = try MetricsLog(directory, after: 10)
        #expect(log.mendings.count == 3)
        #expect(log.mendings.first?.contains("step 80 stands where step 8 is missing") == true)
        #expect(try steps() == Array(1...7))
    }

    @Test func veryManyDamagedLinesAreToldOfTogether() throws {
        let lines = (1...500).map { $0 % 2 == 0 ? "x" : line($0) }
        try AtomicFile.write(lines.map { $0 + "\n" }.joined(), to: directory.metricsPath)
        let log = try MetricsLog(directory, after: 500)
        #expect(log.mendings.count == 21)
        #expect(log.mendings.last?.contains("230 more lines") == true)
        let aside = try String(contentsOfFile: "\(directory.metricsPath).damaged", encoding: .utf8)
        #expect(aside.split(separator: "\n").count == 250)
    }

    @Test func eventsBehindADamagedLineStay() throws {
        try EventLog(directory).append(.start, "one")
        let text = try String(contentsOfFile: directory.eventsPath.text, encoding: .utf8)
        try AtomicFile.write(
            text + "\n[]\n" + text.replacing("one", with: "two") + "{\"event\":\"e",
            to: directory.eventsPath)
        #expect(directory.damagedLines().map(\.number) == [2, 3, 5])
        let log = try EventLog(directory)
        #expect(log.mendings.count == 3)
        try log.append(.end, "three")
        let messages = try directory.lastEvents(9).map { $0["message"]?.stringValue }
        #expect(messages == ["one", "two", "three"])
        #expect(try EventLog(directory).mendings.isEmpty)
    }

    @Test func theLastLineIsFoundBehindALongOne() throws {
        let long = String(repeating: "x", count: 1 << 20)
        try AtomicFile.write(line(1) + "\n" + long + "\n", to: directory.metricsPath)
        #expect(try directory.lastMetrics().training?["step"] == 1)
        #expect(directory.damagedLines().map(\.number) == [2])
    }

    @Test func linesBehindTheLastMegabytesAreCountedToo() throws {
        let many = (1...120_000).map { line($0) }.joined(separator: "\n")
        try AtomicFile.write(many + "\nx\n" + line(120_001) + "\n", to: directory.metricsPath)
        #expect(directory.damagedLines(last: 1 << 16).map(\.number) == [120_001])
        #expect(directory.damagedLines(last: 8).isEmpty)
    }

    @Test func aRewindWithoutDamageKeepsTheFile() throws {
        try AtomicFile.write((1...9).map { line($0) + "\n" }.joined(), to: directory.metricsPath)
        func inode() throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: directory.metricsPath.text)[
                .systemFileNumber] as? Int
        }
        let before = try inode()
        _ = try MetricsLog(directory, after: 5)
        #expect(try steps() == [1, 2, 3, 4, 5])
        #expect(try inode() == before)
    }
}
