/// An encoder, or a control that stands beside one, with all that protocols say of its features.
public struct EvaluatedModel: Sendable {
    /// What the features are.
    public let name: String
    /// What protocols say.
    public var results: ProtocolResults
    /// The test records in a plane; `nil` where nobody asked, and for features that no encoder made.
    public let map: RecordMap?
    /// What all of it was said of.
    let features: FeatureSplits
}
