import ClinicalParameters
import Kernels
import NeuralNetworks
import Tensors

/// How clinical features are normalised, kept with the weights.
struct ClinicalStatistics: Sendable {
    /// Segments that a feature is told by; 1 for its normalised value.
    let segments: Int
    private let centres: Int
    private let scales: Int
    private let edges: Int?

    /// Adds `PREFIX.clin_centres` and `PREFIX.clin_scales`, and for more than one segment `PREFIX.clin_edges`.
    init(_ prefix: String, segments: Int, in list: inout ParameterList) {
        self.segments = segments
        let shape = [ClinicalFeatures.count]
        centres = list.add("\(prefix).clin_centres", shape: shape, .zeros, isTrained: false)
        scales = list.add("\(prefix).clin_scales", shape: shape, .zeros, isTrained: false)
        edges =
            segments > 1
            ? list.add(
                "\(prefix).clin_edges", shape: [ClinicalFeatures.count, segments + 1], .zeros,
                isTrained: false) : nil
    }

    /// Where segments end, shape `[count, segments + 1]`; `nil` for one segment.
    func edges(in parameters: Parameters) -> Numbers<Float>? {
        edges.map { parameters.values(of: $0) }
    }

    /// The statistics.
    ///
    /// - Throws: `ClinicalStatisticsError.noStatistics` as long as no training windows were looked at.
    func callAsFunction(in parameters: Parameters) throws(ClinicalStatisticsError)
        -> FeatureStatistics
    {
        guard let found = found(in: parameters) else {
            throw .noStatistics(of: parameters[scales].name)
        }
        return found
    }

    private func found(in parameters: Parameters) -> FeatureStatistics? {
        let scales = parameters.tensor(self.scales).floatArray
        guard scales.allSatisfy({ $0 > 0 }) else { return nil }
        return FeatureStatistics(
            centres: parameters.tensor(centres).floatArray, scales: scales)
    }

    /// Takes the statistics of training windows, unless weights brought theirs.
    func complete(_ parameters: Parameters, from source: any WindowSource, windows: [Int]) {
        guard source.clinicalFeatureCount == ClinicalFeatures.count,
            found(in: parameters) == nil
        else { return }
        let features = windows.map { window in
            var features = Array(repeating: Float(0), count: ClinicalFeatures.count)
            var span = features.mutableSpan
            source.clinicalFeatures(of: window, into: &span)
            return features
        }
        let statistics = FeatureStatistics(windows: features)
        parameters.values(of: centres).update(from: statistics.centres.span)
        parameters.values(of: scales).update(from: statistics.scales.span)
        if let edges {
            let encoding = PiecewiseEncoding(
                segments: segments, windows: features, statistics: statistics)
            parameters.values(of: edges).update(from: encoding.edges.span)
        }
    }
}

/// Why clinical parameters cannot be normalised.
enum ClinicalStatisticsError: Error, CustomStringConvertible {
    case noStatistics(of: String)

    var description: String {
        switch self {
        case .noStatistics(let name):
            "the state has no statistics of training windows (\(name) is not above 0); begin the run with "
                + "a data set that has clinical features"
        }
    }
}
