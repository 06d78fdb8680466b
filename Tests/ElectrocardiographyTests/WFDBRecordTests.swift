import Foundation
import Runtime
import TestSupport
import Testing

@testable import Electrocardiography

/// Outputs of the original WFDB programs for the same records.
@Suite(.needsRecords)
struct WFDBRecordTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var output: String
        var record: String
        var range: Range<Int>?
        var signals: [Int]?
        var decimals: Int?
        var isExpanded = false
        var invalid: [Double] = [-32768]
        var testDescription: String { output }
    }

    static let cases: [Case] = [
        Case(output: "record-1a", record: "test01_00s"),
        Case(
            output: "record-1b", record: "a103l", range: 12500..<40000, signals: [2, 0], decimals: 3
        ),
        Case(output: "record-1c", record: "a103l", range: 20000..<82500, signals: [0, 1]),
        Case(
            output: "record-1d", record: "3000003_0003", range: 125..<1000, signals: [1],
            decimals: 3),
        Case(output: "record-1f.gz", record: "binformats"),
        Case(output: "record-2b", record: "100", range: 1..<10800, signals: [1]),
        Case(output: "record-2c", record: "100_3chan", decimals: 3),
        Case(output: "record-2d", record: "310derive", range: 2..<21600),
        Case(output: "record-2e", record: "311derive", range: 1..<978, decimals: 3),
        Case(
            output: "record-3b", record: "s0010_re", range: 5000..<38000,
            signals: [13, 0, 4, 8, 3], decimals: 3),
        Case(output: "record-4a", record: "test01_00s_skewframe"),
        Case(output: "record-4d", record: "test01_00s_skewframe", decimals: 3, isExpanded: true),
        Case(output: "record-4b", record: "03700181"),
        Case(
            output: "record-4c", record: "03700181", range: 1000..<16000, signals: [0, 2],
            decimals: 3),
        Case(
            output: "record-multi-fixed-c", record: "multi-segment/fixed1/v102s",
            range: 70000..<80000, signals: [1, 0, 3], decimals: 3),
        Case(
            output: "record-multi-fixed-d.gz", record: "multi-segment/041s/041s",
            signals: [3, 2, 1], isExpanded: true, invalid: [-32768, -2048]),
        Case(
            output: "record-multi-variable-d",
            record: "multi-segment/p000878/p000878-2137-10-26-16-57", range: 3550..<7500,
            signals: [0, 1], invalid: [-32768, -128]),
    ]

    @Test(arguments: cases) func agreesWithTheOriginalProgram(_ item: Case) throws {
        let lines = try text(item.output).split(separator: "\n")
        var range = item.range
        let path = Fixtures.record(item.record)
        let header = try WFDBHeader.read(FilePath(path))
        if let wanted = range, let count = header.sampleCount {
            range = wanted.clamped(to: 0..<count)
        }
        let record = try WFDBRecord.read(
            FilePath(path),
            options: .init(range: range, frames: item.isExpanded ? .expanded : .averaged))
        let signals = item.signals ?? Array(record.signals.indices)
        let described = try reference(header)
        // The program stops where the most skewed signal ends; we go on with the others.
        let factor = item.isExpanded ? described.map(\.samplesPerFrame).max() ?? 1 : 1
        let skew = item.range == nil ? described.map(\.skewFrames).max() ?? 0 : 0
        #expect(lines.count == record.sampleCount - skew * factor, "\(lines.count) lines")
        for (t, line) in lines.enumerated() where t < record.sampleCount {
            let fields = line.split(whereSeparator: \.isWhitespace)
            #expect(fields.count == signals.count)
            for (field, s) in zip(fields, signals) {
                let value = Double(record.signals[s].samples[t])
                let isSame: Bool
                if value.isNaN {
                    isSame =
                        Double(field).map(item.invalid.contains) ?? (field == "-" || field == "nan")
                } else if item.decimals != nil {
                    isSame = abs((Double(field) ?? .infinity) - value) <= 0.000501
                } else {
                    let units = value * described[s].gain + Double(described[s].baseline)
                    // A Float holds 24 bits of format 32's range.
                    let slack = max(0.51, abs(units) * 1e-7)
                    isSame = abs((Double(field) ?? .infinity) - units) < slack
                }
                guard isSame else {
                    Issue.record("sample \(t), signal \(s): \(value), expected \(field)")
                    return
                }
            }
        }
    }

    /// The signal lines that give the gains: the record's own, or its first segment's.
    private func reference(_ header: WFDBHeader) throws -> [WFDBHeader.Signal] {
        guard let first = header.segments.first else { return header.signals }
        return try WFDBHeader.read(header.path.sibling(FilePath(first.name))).signals
    }

    private func text(_ output: String) throws -> String {
        let path = Fixtures.record("target-output/\(output)")
        guard output.hasSuffix(".gz") else {
            return try String(contentsOfFile: path, encoding: .utf8)
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/gzip")
        process.arguments = ["--decompress", "--stdout", path]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    @Test(arguments: [
        ("flacformats", WFDBError.Kind.unsupported, "FLAC"),
        ("odd-headers/E00018", .brokenHeader, "has a dot"),
        ("multi-segment/s25047/3234460_layout", .unsupported, "layout"),
        ("multi-segment/p000878/p000878-2137-10-26-16-57", .missingFile, "3269321_0003"),
        ("1003", .missingFile, "signal file"), ("nothing-here", .missingFile, "header"),
    ])
    func refusalsNameTheCause(record: String, kind: WFDBError.Kind, cause: String) {
        #expect {
            _ = try WFDBRecord.read(FilePath(Fixtures.record(record)))
        } throws: { error in
            (error as? WFDBError)?.kind == kind && "\(error)".contains(cause)
        }
    }

    @Test func normalisedGainsAreCorrectedOnRequestOnly() throws {
        let path = FilePath("\(Fixtures.dataFolder)/ludb/data/1")
        let asWritten = try WFDBRecord.read(path)
        let corrected = try WFDBRecord.read(path, options: .init(correctsNormalisedGains: true))
        func error(_ record: WFDBRecord) -> Float {
            (0..<record.sampleCount).map {
                let s = record.signals
                return abs(s[1].samples[$0] - s[0].samples[$0] - s[2].samples[$0])
            }.max() ?? 0
        }
        #expect(error(asWritten) > 0.05)
        #expect(error(corrected) < 1e-6)
        #expect(corrected.notes.count == asWritten.notes.count + 1)
        let other = FilePath(Fixtures.record("s0010_re"))
        let untouched = try WFDBRecord.read(other, options: .init(correctsNormalisedGains: true))
        #expect(untouched.notes.isEmpty)
    }
}
