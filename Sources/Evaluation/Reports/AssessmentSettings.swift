import Configurations
import Electrocardiography
import EvaluationSchema

/// How encoders are assessed.
public struct AssessmentSettings: Sendable {
    /// What is done with features.
    public var protocols: Set<EvaluationProtocol>
    /// Which vectors are taken of an encoder.
    public var readout: Readout
    /// Which diagnostic codes count.
    public var rule: LabelRule
    /// Whether one crop of each window is enough.
    public var centreCropOnly: Bool
    /// How many principal components clusters are measured in, beside the features as they are.
    public var clusterDimension: Int
    /// How maps of the test records are drawn; `nil` where nobody looks at them.
    public var map: MapSettings?
    /// What resamples and starts are drawn from.
    public var seed: UInt64
    /// Compute threads; any number gives the same numbers.
    public var threads: Int
    /// Parts of the labelled patients that the linear probe is trained on beside all of them.
    public var labelFractions: [Double]
    /// How often each part is drawn.
    public var labelDraws: Int

    /// Settings by name.
    public init(
        protocols: Set<EvaluationProtocol>, readout: Readout = .mean, rule: LabelRule = LabelRule(),
        centreCropOnly: Bool = false, clusterDimension: Int = ClusterProtocol.usualDimension,
        map: MapSettings? = nil, seed: UInt64 = 0, threads: Int = 1,
        labelFractions: [Double] = [], labelDraws: Int = 5
    ) {
        self.labelFractions = labelFractions
        self.labelDraws = labelDraws
        self.protocols = protocols
        self.readout = readout
        self.rule = rule
        self.centreCropOnly = centreCropOnly
        self.clusterDimension = clusterDimension
        self.map = map
        self.seed = seed
        self.threads = threads
    }
}
