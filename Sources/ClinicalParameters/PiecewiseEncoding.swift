import Kernels

/// A number as its way through segments: each segment between two quantiles of the training windows has a number of its
/// own, -1 before the segment, 1 behind it, and a straight line within.
///
/// What comes after can give every segment a slope of its own, so a linear layer can tell both too small and too large
/// from normal. Gorishniy et al., *On Embeddings for Numerical Features in Tabular Deep Learning*, 2022, section 3.2,
/// there from 0 to 1.
public struct PiecewiseEncoding: Sendable, Equatable {
    /// Segments of a feature.
    public let segments: Int
    /// Where the segments of each feature end: `segments + 1` numbers a feature, ascending.
    public let edges: [Float]

    /// The encoding that training windows ask for.
    ///
    /// - Parameters:
    ///   - segments: How many a feature has.
    ///   - windows: For each window its `ClinicalFeatures.count` numbers, NaN where not measured.
    ///   - statistics: How they are normalised before.
    public init(segments: Int, windows: [[Float]], statistics: FeatureStatistics) {
        self.segments = segments
        var measured = Array(repeating: [Double](), count: ClinicalFeatures.count)
        for window in windows {
            let (values, flags) = statistics.normalised(window)
            for feature in values.indices where flags[feature] == 0 {
                measured[feature].append(Double(values[feature]))
            }
        }
        edges = measured.flatMap { values in
            (0...segments).map { edge in
                Float(OrderStatistics.quantile(values, Double(edge) / Double(segments)) ?? 0)
            }
        }
    }

    /// One number's way through its feature's segments.
    ///
    /// - Parameters:
    ///   - value: Normalised.
    ///   - feature: Whose number it is.
    /// - Returns: `segments` numbers.
    public func code(_ value: Float, of feature: Int) -> [Float] {
        let start = feature * (segments + 1)
        var own = Array(edges[start...start + segments])
        var code = Array(repeating: Float(0), count: segments)
        own.withNumbers { own in code.withNumbers { Self.encode(value, edges: own, into: $0) } }
        return code
    }

    /// The same without an array, for steps of training.
    ///
    /// - Parameters:
    ///   - value: Normalised.
    ///   - edges: The feature's `segments + 1` edges.
    ///   - code: Receives `segments` numbers.
    public static func encode(
        _ value: Float, edges: Numbers<Float>, into code: Numbers<Float>
    ) {
        precondition(edges.count == code.count + 1, "\(edges.count) edges, \(code.count) numbers")
        for segment in code.indices {
            let (low, high) = (edges[segment], edges[segment + 1])
            // A segment without width is a step.
            let share: Float =
                value >= high ? 1 : value <= low ? 0 : (value - low) / (high - low)
            code[segment] = 2 * share - 1
        }
    }
}
