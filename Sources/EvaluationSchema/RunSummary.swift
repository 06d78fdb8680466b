/// What an encoder is.
public struct EncoderSummary: SchemaObject {
    /// Its method.
    public var method = ""
    /// Finished steps.
    public var step = 0
    /// Digest of the training state; `nil` where it was never saved.
    public var stateDigest: String?
    /// Digest of the data set that it was trained on; `nil` where that is not known.
    public var dataDigest: String?

    /// An encoder of which nothing is known.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("method", \.method), .always("step", \.step),
            .always("state_sha256", \.stateDigest),
            .always("pretraining_data_sha256", \.dataDigest),
        ]
    }
}

/// t-SNE's places.
public struct NeighbourMapSummary: SchemaObject {
    /// Two numbers a record.
    public var places: [[Double]] = []
    /// How many neighbours it looked at.
    public var perplexity = 0.0
    /// How well neighbours were kept.
    public var divergence = 0.0

    /// No places.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("places", \.places), .always("perplexity", \.perplexity),
            .always("divergence", \.divergence),
        ]
    }
}

/// Test records in a plane.
public struct MapSummary: SchemaObject {
    /// Their names.
    public var records: [String] = []
    /// The classes of each.
    public var classes: [[String]] = []
    /// Two numbers a record.
    public var components: [[Double]] = []
    /// What each component has of the variance.
    public var varianceShares: [Double] = []
    /// By t-SNE; `nil` where there are too few records.
    public var neighbours: NeighbourMapSummary?

    /// No records.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("records", \.records), .always("classes", \.classes),
            .always("principal_components", \.components),
            .always("variance_shares", \.varianceShares), .always("t_sne", \.neighbours),
        ]
    }
}

/// A run's encoder, and what is said of it.
public struct RunSummary: SchemaObject {
    /// The run as the user named it.
    public var run = ""
    /// Its encoder.
    public var encoder = EncoderSummary()
    /// What is said of the encoder.
    public var results = ModelSummary()
    /// Where its test records lie, where that was asked for.
    public var map: MapSummary?

    /// A run of which nothing is known.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        SchemaField.spread(\.encoder) + SchemaField.spread(\.results) + [
            .always("run", \.run), .maybe("map", \.map),
        ]
    }
}
