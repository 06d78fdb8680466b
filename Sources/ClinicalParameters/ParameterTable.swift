import Electrocardiography
import Runtime

/// Measurements as rows of comma-separated values; what was not measured is an empty cell.
public enum ParameterTable {
    /// The heads of the columns: record, path, numbers of the record, numbers of each lead, flags.
    public static var header: String {
        let empty = ClinicalMeasurements(
            sampleRateHz: 0, sampleCount: 0, quality: 0, flags: [],
            leads: .init(repeating: .init(quality: 0), count: Lead.allCases.count))
        var names = ["record", "path", "rate_hz", "samples", "quality"]
        names += empty.numbers.map(\.name)
        for lead in Lead.allCases {
            names += empty.leads[lead.rawValue].numbers.map { "\(lead.name)_\($0.name)" }
        }
        return (names + ["flags"]).joined(separator: ",")
    }

    /// One record's row.
    ///
    /// - Parameters:
    ///   - measurements: What was measured.
    ///   - record: The record's name.
    ///   - path: Where it was read.
    /// - Returns: One line, without its end.
    public static func row(
        _ measurements: ClinicalMeasurements, record: String, path: FilePath
    ) -> String {
        var cells = [
            CommaSeparated.cell(record), CommaSeparated.cell(path.text),
            text(measurements.sampleRateHz),
            "\(measurements.sampleCount)", text(measurements.quality),
        ]
        cells += measurements.numbers.map { text($0.value) }
        for lead in measurements.leads { cells += lead.numbers.map { text($0.value) } }
        cells.append(measurements.flags.map(\.rawValue).joined(separator: " "))
        return cells.joined(separator: ",")
    }

    private static func text(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "" }
        return "\((value * 10_000).rounded() / 10_000)"
    }
}
