import ClinicalParameters
import Electrocardiography
import LinearAlgebra

/// Features that need no encoder, to know what an encoder's are worth.
public enum PlainFeatures {
    /// Mean, deviation, extremes, five percentiles and mean step of each lead, in mV.
    public static func statistics(
        _ records: [EvaluatedRecord], of dataset: PreparedDataset
    ) throws -> Matrix {
        let leads = Lead.allCases.count
        let perLead = 10
        var result = Matrix(rows: records.count, columns: leads * perLead)
        var signal = Array(repeating: Float(0), count: leads * dataset.samplesPerWindow)
        for (row, record) in records.enumerated() {
            for window in record.windows {
                var span = signal.mutableSpan
                try dataset.readMillivolts(window: window, into: &span)
                for lead in 0..<leads {
                    let start = lead * dataset.samplesPerWindow
                    let values = statistics(
                        of: signal[start..<start + dataset.samplesPerWindow].map(Double.init))
                    for (place, value) in values.enumerated() {
                        result[row, lead * perLead + place] += value / Double(record.windows.count)
                    }
                }
            }
        }
        return result
    }

    private static func statistics(of samples: [Double]) -> [Double] {
        let count = Double(samples.count)
        let mean = samples.reduce(0, +) / count
        let variance = samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        let step = zip(samples, samples.dropFirst()).reduce(0) { $0 + abs($1.1 - $1.0) } / count
        let sorted = samples.sorted()
        let percentiles = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1].map {
            sorted[Int($0 * (count - 1))]
        }
        return [mean, variance.squareRoot(), step] + percentiles
    }

    /// Age and sex; NaN where nobody said.
    public static func ageAndSex(_ records: [EvaluatedRecord]) -> Matrix {
        Matrix(
            rows: records.count, columns: 2,
            values: records.flatMap { record in
                [
                    record.description.ageYears.map(Double.init) ?? .nan,
                    record.description.sex.map { $0 == .male ? 1 : 0 } ?? .nan,
                ]
            })
    }

    /// The clinical parameters that are stored with the set, the mean over a record's windows; NaN where not measured.
    ///
    /// - Returns: `nil` where the set has none.
    public static func clinicalParameters(
        _ records: [EvaluatedRecord], of dataset: PreparedDataset
    ) -> Matrix? {
        let count = dataset.clinicalFeatureCount
        guard count > 0 else { return nil }
        var result = Matrix(rows: records.count, columns: count)
        var values = Array(repeating: Float(0), count: count)
        for (row, record) in records.enumerated() {
            var measured = Array(repeating: 0.0, count: count)
            for window in record.windows {
                var span = values.mutableSpan
                dataset.clinicalFeatures(of: window, into: &span)
                for column in 0..<count where !values[column].isNaN {
                    result[row, column] += Double(values[column])
                    measured[column] += 1
                }
            }
            for column in 0..<count { result[row, column] /= measured[column] }
        }
        return result
    }

    /// Names of the clinical parameters, in order.
    public static let clinicalNames =
        ClinicalFeatures.globalNames
        + ClinicalFeatures.leads.flatMap { lead in
            ClinicalFeatures.perLeadNames.map { "\(Lead.allCases[lead])_\($0)".lowercased() }
        }
}
