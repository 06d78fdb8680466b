import CommandLineInterface
import Electrocardiography
import Foundation
import Runtime

/// What a record holds.
public struct RecordInspection: CommandResult {
    private let record: WFDBRecord
    private let ranges: [SignalRange]
    private var seconds: Double { Double(record.sampleCount) / record.sampleRateHz }

    /// Reads a record.
    ///
    /// - Parameter path: The record, with or without `.hea`.
    /// - Throws: `WFDBError`.
    public init(_ path: FilePath) throws {
        record = try WFDBRecord.read(path, options: .init(correctsNormalisedGains: true))
        ranges = record.signals.map { SignalRange($0.samples) }
    }

    /// The record on ECG paper.
    ///
    /// - Parameter from: The second at which the picture begins.
    /// - Returns: The drawing.
    /// - Throws: `CommandError` where the record has ended by then.
    public func picture(from: Double) throws -> String {
        // As a number with a point: seconds without end are no sample.
        let place = (from * record.sampleRateHz).rounded()
        guard place < Double(max(1, record.sampleCount)) else {
            throw CommandError(.usage, "--from \(from) lies behind the record's end")
        }
        let start = Int(place)
        let about = record.comments.map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty && !$0.hasSuffix("Unknown") }
        return ECGPaper(
            title: [
                "\(record.name)\(record.recordedAt.isEmpty ? "" : " · ")\(record.recordedAt)",
                "\(decimals(record.sampleRateHz, 0)) Hz, \(decimals(seconds, 1)) s",
                String(about.joined(separator: " · ").prefix(150)),
            ],
            traces: record.signals.filter { $0.units == "mV" }.map {
                ECGPaper.Trace(name: $0.name, millivolts: Array($0.samples.dropFirst(start)))
            }, sampleRateHz: record.sampleRateHz
        ).svg
    }

    /// Signals, comments and notes.
    public var json: JSONValue {
        let signals = zip(record.signals, ranges).map { signal, range -> JSONValue in
            [
                "name": .string(signal.name), "units": .string(signal.units),
                "minimum": .measured(range.minimum), "maximum": .measured(range.maximum),
                "invalid_samples": .integer(Int64(range.invalidCount)),
            ]
        }
        return [
            "kind": "record", "record": .string(record.name),
            "rate_hz": .number(record.sampleRateHz),
            "samples": .integer(Int64(record.sampleCount)), "signals": .array(signals),
            "comments": .array(record.comments.map { .string($0) }),
            "notes": .array(record.notes.map { .string($0) }),
        ]
    }

    /// The same as a table, with comments and notes below.
    public var text: String {
        var rows = [["signal", "unit", "minimum", "maximum", "invalid"]]
        for (signal, range) in zip(record.signals, ranges) {
            rows.append([
                signal.name, signal.units, decimals(range.minimum, 3), decimals(range.maximum, 3),
                "\(range.invalidCount)",
            ])
        }
        let head =
            "\(record.name): \(record.signals.count) signals, \(record.sampleRateHz) Hz, "
            + "\(record.sampleCount) samples (\(decimals(seconds, 2)) s) \(record.recordedAt)"
        return
            ([head, Output.table(rows)] + record.comments.map { "#\($0)" }
            + record.notes.map { "note: \($0)" }).joined(separator: "\n")
    }
}

/// Extremes of a signal.
private struct SignalRange {
    var minimum = Double.infinity
    var maximum = -Double.infinity
    var invalidCount = 0

    init(_ samples: [Float]) {
        for value in samples {
            if value.isNaN {
                invalidCount += 1
            } else {
                minimum = min(minimum, Double(value))
                maximum = max(maximum, Double(value))
            }
        }
    }
}

/// What the records below a folder are, and which of them cannot be read.
public struct FolderInspection: CommandResult {
    private let folder: FilePath
    private let count: Int
    /// Kinds with how many records are of them, the most frequent first.
    private let kinds: [(kind: String, records: Int)]
    private let broken: [(name: String, cause: String)]
    /// Whether a header cannot be read.
    public var hasBrokenRecords: Bool { !broken.isEmpty }

    /// Reads all headers.
    ///
    /// - Parameter folder: Where the records are.
    /// - Throws: `SystemError` where a folder cannot be listed.
    public init(_ folder: FilePath) throws {
        self.folder = folder
        let names = try RecordFolder.records(below: folder)
        count = names.count
        var kinds: [String: Int] = [:]
        var broken: [(name: String, cause: String)] = []
        for name in names {
            do {
                let header = try WFDBHeader.read(folder.appending(name))
                kinds[Self.kind(of: header), default: 0] += 1
            } catch {
                broken.append((name.text, "\(error)"))
            }
        }
        self.broken = broken
        self.kinds = kinds.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { ($0.key, $0.value) }
    }

    private static func kind(of header: WFDBHeader) -> String {
        let seconds = header.sampleCount.map { Double($0) / header.sampleRateHz }
        let leads = Set(header.signals.compactMap { Lead(headerName: $0.description) }).count
        let what = header.segments.isEmpty ? "\(leads) standard leads" : "several segments"
        let length =
            seconds.map { $0 < 10 ? "below 10 s" : $0 == 10 ? "10 s" : "above 10 s" }
            ?? "unknown length"
        let gains = header.signals.allSatisfy(\.isCalibrated) ? "" : ", uncalibrated"
        return
            "\(header.sampleRateHz) Hz, \(header.signalCount) signals, \(what), \(length)\(gains)"
    }

    /// Kinds with their counts, and broken records with their causes.
    public var json: JSONValue {
        [
            "kind": "folder", "records": .integer(Int64(count)),
            "kinds": .array(
                kinds.map { ["kind": .string($0.kind), "records": .integer(Int64($0.records))] }),
            "broken": .array(
                broken.map { ["record": .string($0.name), "cause": .string($0.cause)] }),
        ]
    }

    /// The same as a table, with the broken records below.
    public var text: String {
        let table = Output.table([["records", "kind"]] + kinds.map { ["\($0.records)", $0.kind] })
        return
            (["\(folder): \(counted(count, "record"))", table]
            + broken.map { "broken: \($0.name): \($0.cause)" }).joined(separator: "\n")
    }
}
