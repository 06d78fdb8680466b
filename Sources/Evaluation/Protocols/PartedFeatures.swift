import ClinicalParameters
import Electrocardiography
import Kernels
import LinearAlgebra
import Pretraining

/// Features of labelled records, a matrix a part.
public struct PartedFeatures: Sendable {
    /// A row a training record.
    public let training: Matrix
    /// A row a record of the validation fold.
    public let validation: Matrix
    /// A row a record of the test fold.
    public let test: Matrix
    /// A row a record of the external set; `nil` where there is none.
    public let external: Matrix?

    /// Numbers of a record.
    public var dimension: Int { training.columns }

    /// Takes features of all parts.
    ///
    /// - Parameters:
    ///   - records: The parts.
    ///   - dataset: The set of all parts but the external one.
    ///   - externalSet: The set of the external part.
    ///   - features: Gives a row a record.
    /// - Throws: Whatever `features` throws.
    public init(
        of records: LabelledRecords, in dataset: PreparedDataset, externalSet: PreparedDataset?,
        features: ([EvaluatedRecord], PreparedDataset) throws -> Matrix
    ) throws {
        // All of one set together, so that whoever shows progress has one count.
        let own = try features(
            records.training + records.validation + records.test, dataset)
        let (first, second) = (
            records.training.count, records.training.count + records.validation.count
        )
        training = own.selecting(rows: Array(0..<first))
        validation = own.selecting(rows: Array(first..<second))
        test = own.selecting(rows: Array(second..<own.rows))
        external = try externalSet.map { try features(records.external, $0) }
    }

    init(training: Matrix, validation: Matrix, test: Matrix, external: Matrix?) {
        (self.training, self.validation) = (training, validation)
        (self.test, self.external) = (test, external)
    }

    /// The same map for every part, found from the training records alone.
    public func mapped(_ map: (Matrix) -> Matrix) -> PartedFeatures {
        PartedFeatures(
            training: map(training), validation: map(validation), test: map(test),
            external: external.map(map))
    }

    /// With other features of the same records behind them.
    public func joined(with others: PartedFeatures) -> PartedFeatures {
        PartedFeatures(
            training: training.joined(with: others.training),
            validation: validation.joined(with: others.validation),
            test: test.joined(with: others.test),
            external: external.flatMap { own in others.external.map { own.joined(with: $0) } })
    }

    /// Clinical parameters in segments that the training records decide.
    func inSegments() -> PartedFeatures {
        mapped(SegmentedParameters(fittedTo: training).callAsFunction)
    }

    /// With what was not measured filled in by the training records' mean, and a column beside it that says so.
    public func filled() -> PartedFeatures {
        let fill = MissingValues(fittedTo: training)
        return mapped(fill.callAsFunction)
    }
}

/// Clinical parameters in segments between quantiles of the training records, so that a linear probe can call both too small
/// and too large abnormal.
struct SegmentedParameters {
    static let segments = 8
    private let statistics: FeatureStatistics
    private let encoding: PiecewiseEncoding

    init(fittedTo training: Matrix) {
        let records = (0..<training.rows).map { training.row($0).map(Float.init) }
        statistics = FeatureStatistics(windows: records)
        encoding = PiecewiseEncoding(
            segments: Self.segments, windows: records, statistics: statistics)
    }

    /// All segments of a parameter and then of the next, 0 where it was not measured; then a flag for each that says so.
    func callAsFunction(_ parameters: Matrix) -> Matrix {
        let (count, segments) = (parameters.columns, Self.segments)
        var result = Matrix(rows: parameters.rows, columns: (segments + 1) * count)
        for row in 0..<parameters.rows {
            let (values, flags) = statistics.normalised(parameters.row(row).map(Float.init))
            for parameter in 0..<count {
                if flags[parameter] == 1 {
                    result[row, segments * count + parameter] = 1
                    continue
                }
                for (segment, number) in encoding.code(values[parameter], of: parameter)
                    .enumerated()
                {
                    result[row, segments * parameter + segment] = Double(number)
                }
            }
        }
        return result
    }
}

/// Fills in what was not measured.
struct MissingValues {
    private let means: [Double]
    /// Columns of which some record lacks the value.
    private let flagged: [Int]

    init(fittedTo features: Matrix) {
        var means: [Double] = []
        var flagged: [Int] = []
        for column in 0..<features.columns {
            let values = features.column(column)
            let measured = values.filter { !$0.isNaN }
            means.append(
                measured.isEmpty ? 0 : measured.reduce(0, +) / Double(measured.count))
            if measured.count < values.count { flagged.append(column) }
        }
        (self.means, self.flagged) = (means, flagged)
    }

    func callAsFunction(_ features: Matrix) -> Matrix {
        var result = Matrix(rows: features.rows, columns: means.count + flagged.count)
        for row in 0..<features.rows {
            for column in means.indices {
                let value = features[row, column]
                result[row, column] = value.isNaN ? means[column] : value
            }
            for (place, column) in flagged.enumerated() where features[row, column].isNaN {
                result[row, means.count + place] = 1
            }
        }
        return result
    }
}

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
