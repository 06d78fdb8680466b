import EvaluationSchema
import LinearAlgebra
import Runtime
import Statistics

/// How well a linear map reads each clinical parameter out of features: ridge regression, its penalty chosen on the
/// validation fold.
public struct ParameterProtocol: Sendable {
    /// The penalties that are tried, beside features of deviation 1.
    public static let penalties = [1e2, 1e1, 1, 1e-1, 1e-2, 1e-3, 1e-4]
    /// Fewer measured records than this in a part tell nothing.
    public static let minimumRecords = 20

    /// One parameter's result.
    public struct Reading: Sendable {
        /// The parameter.
        public let name: String
        /// R² in the test fold; `nil` where too few records have it.
        public let rSquared: Double?
        /// Where 95 % of resamples lie.
        public let interval: Interval?
        /// The penalty that the validation fold chose.
        public let penalty: Double?
        /// Test records that have it.
        public let recordCount: Int
    }

    /// One result a parameter, in the order of the data set.
    public let readings: [Reading]

    /// Measures.
    ///
    /// - Parameters:
    ///   - features: What is read from.
    ///   - targets: The parameters, a column each, NaN where not measured.
    ///   - names: One a column.
    ///   - seed: What resamples are drawn from.
    /// - Throws: `MetricError`.
    public init(
        _ features: FeatureSplits, targets: FeatureSplits, names: [String], seed: UInt64
    ) throws(MetricError) {
        let scaled = features.mapped(Standardisation(fittedTo: features.training).callAsFunction)
        var readings: [Reading] = []
        for (column, name) in names.enumerated() {
            readings.append(
                try Self.read(
                    name, column: column, from: scaled, targets: targets, seed: seed))
        }
        self.readings = readings
    }

    private static func read(
        _ name: String, column: Int, from features: FeatureSplits, targets: FeatureSplits,
        seed: UInt64
    ) throws(MetricError) -> Reading {
        func measured(_ features: Matrix, _ targets: Matrix) -> (x: Matrix, y: [Double]) {
            let rows = (0..<targets.rows).filter { targets[$0, column].isFinite }
            return (features.selecting(rows: rows), rows.map { targets[$0, column] })
        }
        let training = measured(features.training, targets.training)
        let validation = measured(features.validation, targets.validation)
        let test = measured(features.test, targets.test)
        guard min(training.y.count, validation.y.count, test.y.count) >= minimumRecords else {
            return Reading(
                name: name, rSquared: nil, interval: nil, penalty: nil, recordCount: test.y.count)
        }
        let fits = try RidgeRegression.fits(
            training.x, targets: training.y, penalties: penalties)
        func score(_ fit: RidgeRegression) -> Double {
            rSquared(
                fit(validation.x), of: validation.y,
                counting: Array(repeating: 1, count: validation.y.count)) ?? -.infinity
        }
        var best = (fit: fits[0], score: score(fits[0]), penalty: penalties[0])
        for (fit, penalty) in zip(fits, penalties).dropFirst() {
            let found = score(fit)
            if found > best.score { best = (fit, found, penalty) }
        }
        let predictions = best.fit(test.x)
        let bootstrap = try Bootstrap(records: test.y.count, seed: seed, name: name)
        func explained(_ weights: [Double]) -> Double? {
            rSquared(predictions, of: test.y, counting: weights)
        }
        return Reading(
            name: name, rSquared: explained(Array(repeating: 1, count: test.y.count)),
            interval: bootstrap.interval(of: explained), penalty: best.penalty,
            recordCount: test.y.count)
    }

    /// The results, to be written.
    public var summary: ParameterSummary {
        var summary = ParameterSummary()
        for reading in readings {
            var written = ParameterReadingSummary()
            written.r2 = reading.rSquared?.ifMeasured
            written.r2Interval = reading.interval?.summary
            (written.penalty, written.records) = (reading.penalty, reading.recordCount)
            summary.test[reading.name] = written
        }
        return summary
    }
}
