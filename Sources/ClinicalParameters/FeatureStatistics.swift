import Kernels

/// Where the 88 numbers usually lie, and how they are normalised for a model.
///
/// Medians and quartiles of the training windows alone, so that nothing of validation or test shows. They travel with
/// the model's weights.
public struct FeatureStatistics: Sendable, Equatable {
    /// What is subtracted: the medians, of `log(1 + x)` for deviations of intervals.
    public let centres: [Float]
    /// What is divided by: the interquartile range over 1.349; the standard deviation where that is 0; 1 where both are.
    public let scales: [Float]

    /// Normalised values do not leave -5 to 5.
    public static let limit: Float = 5

    /// Statistics that were stored.
    ///
    /// - Precondition: Both have `ClinicalFeatures.count` finite values, and scales are positive.
    public init(centres: [Float], scales: [Float]) {
        precondition(
            centres.count == ClinicalFeatures.count && scales.count == ClinicalFeatures.count
                && scales.allSatisfy { $0 > 0 && $0.isFinite } && centres.allSatisfy(\.isFinite),
            "\(centres.count) centres and \(scales.count) scales of clinical features")
        (self.centres, self.scales) = (centres, scales)
    }

    /// Statistics of training windows.
    ///
    /// - Parameter windows: For each window its `ClinicalFeatures.count` numbers, NaN where not measured.
    public init(windows: [[Float]]) {
        var (centres, scales): ([Float], [Float]) = ([], [])
        for feature in 0..<ClinicalFeatures.count {
            let values = windows.map { Self.prepared($0[feature], feature) }.filter(\.isFinite)
                .map(Double.init)
            let centre = OrderStatistics.quantile(values, 0.5) ?? 0
            let range =
                (OrderStatistics.quantile(values, 0.75) ?? 0)
                - (OrderStatistics.quantile(values, 0.25) ?? 0)
            var scale = range / 1.349
            if Float(scale) <= 0 {
                let count = Double(max(1, values.count))
                let mean = values.reduce(0, +) / count
                scale = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
            }
            centres.append(Float(centre))
            scales.append(Float(scale) > 0 ? Float(scale) : 1)
        }
        self.init(centres: centres, scales: scales)
    }

    /// Normalises a window's numbers.
    ///
    /// - Parameters:
    ///   - features: `ClinicalFeatures.count` numbers, NaN where not measured.
    ///   - values: The same number of values within -5 to 5; 0 where not measured.
    ///   - flags: 1 where not measured, else 0.
    /// - Precondition: All three have `ClinicalFeatures.count` elements.
    public func normalise(
        _ features: Numbers<Float>, values: Numbers<Float>, flags: Numbers<Float>
    ) {
        let count = ClinicalFeatures.count
        precondition(
            features.count == count && values.count == count && flags.count == count,
            "\(features.count) features, \(values.count) values, \(flags.count) flags, not \(count)"
        )
        for i in 0..<count {
            let value = (Self.prepared(features[i], i) - centres[i]) / scales[i]
            let isMeasured = value.isFinite
            let clipped =
                value < -Self.limit ? -Self.limit : value > Self.limit ? Self.limit : value
            values[i] = isMeasured ? clipped : 0
            flags[i] = isMeasured ? 0 : 1
        }
    }

    /// A window's numbers normalised, and 1 for those that were not measured, whose value is 0.
    public func normalised(_ features: [Float]) -> (values: [Float], flags: [Float]) {
        // A copy that is normalised in place: each number is read before its value is written.
        var values = features
        var flags = Array(repeating: Float(0), count: ClinicalFeatures.count)
        values.withNumbers { values in
            flags.withNumbers { normalise(values, values: values, flags: $0) }
        }
        return (values, flags)
    }

    private static func prepared(_ value: Float, _ feature: Int) -> Float {
        guard ClinicalFeatures.logarithmic.contains(feature), value.isFinite else { return value }
        return Float(ElementaryFunctions.logarithm(1 + max(0, Double(value))))
    }
}
