import Electrocardiography

/// How encoders are assessed.
public struct AssessmentSettings: Sendable {
    /// What is done with features.
    public var protocols: Set<EvaluationProtocol>
    /// How records become vectors.
    public var embedding: EmbeddingSettings
    /// Which diagnostic codes count.
    public var rule: LabelRule
    /// How many principal components clusters are measured in, beside the features as they are.
    public var clusterDimension: Int
    /// How maps of the test records are drawn; `nil` where nobody looks at them.
    public var map: MapSettings?
    /// What resamples and starts are drawn from.
    public var seed: UInt64
    /// Parts of the labelled patients that the linear probe is trained on beside all of them.
    public var labelFractions: [Double]
    /// How often each part is drawn.
    public var labelDraws: Int

    /// Settings by name.
    public init(
        protocols: Set<EvaluationProtocol>, embedding: EmbeddingSettings = EmbeddingSettings(),
        rule: LabelRule = LabelRule(), clusterDimension: Int = ClusterProtocol.usualDimension,
        map: MapSettings? = nil, seed: UInt64 = 0, labelFractions: [Double] = [],
        labelDraws: Int = 5
    ) {
        self.labelFractions = labelFractions
        self.labelDraws = labelDraws
        self.protocols = protocols
        self.embedding = embedding
        self.rule = rule
        self.clusterDimension = clusterDimension
        self.map = map
        self.seed = seed
    }
}
