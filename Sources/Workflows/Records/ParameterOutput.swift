import ClinicalParameters
import CommandLineInterface
import Electrocardiography
import Foundation
import Runtime

/// Where the measurements of `purkinje parameters` go: standard output, a table, pictures.
public struct ParameterOutput {
    /// What is printed.
    public enum Form: Sendable {
        /// A table: of one record all parameters, of several a line each.
        case text
        /// A line of JSON for each record; with the waves of each lead or of all leads together.
        case json(perLead: Bool)
    }

    /// Records that could not be read.
    var refusedCount = 0

    private let recordCount: Int
    private let form: Form
    private let csvFile: FilePath?
    private let picture: FilePath?
    private var csv: [String] = []
    private var lines: [[String]] = []
    /// The names of the lines' records in pictures.
    private var longNames: [String] = []

    init(recordCount: Int, csvFile: FilePath?, picture: FilePath?, form: Form) throws {
        (self.recordCount, self.csvFile, self.picture) = (recordCount, csvFile, picture)
        self.form = form
        if let picture, recordCount > 1 {
            try picture.makeFolders()
        }
    }

    mutating func add(_ measured: MeasuredRecords.Measured, of record: ListedRecord) throws {
        let measurements = measured.measurements
        if csvFile != nil {
            if csv.isEmpty { csv.append(ParameterTable.header) }
            csv.append(
                ParameterTable.row(measurements, record: measured.name, path: record.path))
        }
        if let picture {
            let file = recordCount == 1 ? picture : picture.appending(record.name + ".svg")
            if recordCount > 1 { try file.parent.makeFolders() }
            try AtomicFile.write(
                BeatPicture(measurements, title: measured.name).svg, to: file)
        }
        switch form {
        case .json(let perLead):
            var json = measurements.json(record: measured.name, perLead: perLead).objectValue ?? [:]
            json["path"] = .string(record.path.text)
            Output.write(.object(json))
        case .text where recordCount == 1:
            Output.write(Self.sheet(measurements, name: measured.name))
        case .text:
            if lines.isEmpty { lines.append(["record"] + Self.columns.map(\.head)) }
            let numbers = Dictionary(
                uniqueKeysWithValues: measurements.numbers.map { ($0.0, $0.1) })
            longNames.append(record.name.text)
            lines.append(
                [measured.name]
                    + Self.columns.map { text(numbers[$0.name] ?? nil, $0.decimals) }
                    + [decimals(measurements.quality, 2), measurements.flagText])
        }
    }

    func finish() throws {
        if let csvFile { try AtomicFile.write(csv.joined(separator: "\n") + "\n", to: csvFile) }
        if !lines.isEmpty {
            var table = lines
            // A name that several headers have tells nobody which record it is.
            let counts = Dictionary(grouping: lines.dropFirst(), by: { $0[0] }).mapValues(\.count)
            for (row, name) in longNames.enumerated() where (counts[lines[row + 1][0]] ?? 0) > 1 {
                table[row + 1][0] = name
            }
            table[0] += ["quality", "flags"]
            Output.write(Output.table(table))
        }
    }

    private static let columns: [(name: String, head: String, decimals: Int)] = [
        ("heart_rate_per_minute", "rate /min", 0), ("p_duration_ms", "P ms", 0),
        ("pr_ms", "PR ms", 0), ("qrs_ms", "QRS ms", 0), ("qt_ms", "QT ms", 0),
        ("qtc_fridericia_ms", "QTcF ms", 0), ("qrs_axis_degrees", "axis deg", 0),
    ]

    /// All of one record.
    private static func sheet(_ measurements: ClinicalMeasurements, name: String) -> String {
        let seconds = Double(measurements.sampleCount) / measurements.sampleRateHz
        var parts = [
            "\(name): \(decimals(seconds, 1)) s at \(decimals(measurements.sampleRateHz, 0)) Hz, quality \(decimals(measurements.quality, 2))"
        ]
        if !measurements.flags.isEmpty { parts.append("flags: \(measurements.flagText)") }
        parts.append(
            Output.table(
                [["parameter", "value"]]
                    + measurements.numbers.map { [$0.name, text($0.value, 2)] }))
        let names = measurements.leads[0].numbers.map(\.name)
        parts.append(
            Output.table(
                [["lead"] + names]
                    + Lead.allCases.map { lead in
                        [lead.name]
                            + measurements.leads[lead.rawValue].numbers.map { text($0.value, 3) }
                    }))
        return parts.joined(separator: "\n\n")
    }
}

/// A number, or a dash where nothing was measured.
private func text(_ value: Double?, _ count: Int) -> String {
    value.map { decimals($0, count) } ?? "-"
}
