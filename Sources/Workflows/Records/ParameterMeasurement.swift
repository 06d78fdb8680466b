import ClinicalParameters
import CommandLineInterface
import Electrocardiography
import Foundation
import Runtime

/// The measurement of clinical parameters of many records, and where it goes.
public struct ParameterMeasurement {
    private let records: [ListedRecord]
    private let csv: FilePath?
    private let picture: FilePath?
    private let form: ParameterOutput.Form

    /// Lists the records, and refuses outputs that could not be written.
    ///
    /// - Parameters:
    ///   - paths: Records, with or without `.hea`, and folders, of which every record is measured.
    ///   - csv: The table's file; `nil` for none.
    ///   - picture: The picture's file, or for several records its folder; `nil` for none.
    ///   - form: What is printed.
    /// - Throws: `CommandError` for outputs without a place and for a folder without a record.
    public init(
        of paths: [FilePath], csv: FilePath?, picture: FilePath?, form: ParameterOutput.Form
    ) throws {
        (self.csv, self.picture, self.form) = (csv, picture, form)
        try checkOutput(
            csv, option: "csv",
            apartFrom: paths.map { $0.isFolder ? .records(below: $0) : .record($0) })
        records = try Self.listed(paths)
        if records.count == 1 {
            try checkOutputs(
                [("csv", csv), ("svg", picture)], apartFrom: [.record(records[0].path)])
        } else if let picture {
            try checkOutputFolder(picture, option: "svg")
        }
    }

    /// Measures all, prints and writes.
    ///
    /// - Parameter threads: Threads that measure records.
    /// - Returns: Whether one could be read, at least.
    /// - Throws: Whatever keeps an output from being written.
    public func run(threads: Int) throws -> Bool {
        var output = try ParameterOutput(
            recordCount: records.count, csvFile: csv, picture: picture, form: form)
        let start = ContinuousClock.now
        let line = ProgressLine()
        try MeasuredRecords(records.map(\.path), threads: threads).forEach { index, outcome in
            switch outcome {
            case .success(let measured): try output.add(measured, of: records[index])
            case .failure(let error):
                output.refusedCount += 1
                line.log("refused: \(error)")
            }
            if records.count > 1 {
                let seconds = (ContinuousClock.now - start) / .seconds(1) + 1e-9
                let rate = Double(index + 1) / seconds
                let left = Double(records.count - index - 1) / rate
                line.update(
                    "record \(index + 1)/\(records.count)  \(decimals(rate, 0)) records/s  \(roughTime(left)) left"
                )
            }
        }
        line.finish()
        try output.finish()
        return output.refusedCount < records.count
    }

    /// The records that paths mean: themselves, or all below a folder.
    private static func listed(_ paths: [FilePath]) throws -> [ListedRecord] {
        var records: [(path: FilePath, parts: Int)] = []
        for path in paths {
            if path.isFolder {
                let names = try RecordFolder.records(below: path)
                guard !names.isEmpty else {
                    throw CommandError(.failure, "\(path): there is no WFDB header (.hea) in it")
                }
                let slash = UInt8(ascii: "/")
                records += names.map {
                    (path.appending($0), $0.bytes.split(separator: slash).count)
                }
            } else {
                records.append((path, 1))
            }
        }
        return ListedRecord.named(records)
    }
}
