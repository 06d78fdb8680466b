import ClinicalParameters
import LinearAlgebra

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
