/// How far apart clusters lie; `nil` where a measure has no value.
public struct ClusterMeasureSummary: SchemaObject {
    /// Measured records.
    public var records = 0
    /// How many clusters there are.
    public var clusters = 0
    /// Low where clusters lie apart.
    public var daviesBouldin: Double?
    /// From -1 to 1.
    public var silhouette: Double?
    /// Grows with the number of records.
    public var calinskiHarabasz: Double?
    /// The same over records less clusters.
    public var calinskiHarabaszPerRecord: Double?

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("records", \.records), .always("clusters", \.clusters),
            .always("davies_bouldin", \.daviesBouldin), .always("silhouette", \.silhouette),
            .always("calinski_harabasz", \.calinskiHarabasz),
            .always("calinski_harabasz_per_record", \.calinskiHarabaszPerRecord),
        ]
    }
}

/// Distances between the classes in one space.
public struct ClusterSpaceSummary: SchemaObject {
    /// Each record's class as its cluster.
    public var classes = ClusterMeasureSummary()
    /// How well k-means finds the classes.
    public var adjustedRand = 0.0
    /// The clusters of k-means.
    public var means = ClusterMeasureSummary()

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        SchemaField.spread(\.classes) + [
            .always("adjusted_rand", \.adjustedRand), .always("k_means", \.means),
        ]
    }
}

/// Distances in as many principal components for all models.
public struct EqualDimensionSummary: SchemaObject {
    /// How many components were asked for.
    public var wantedDimension = 0
    /// How many there are; `nil` where no number varies.
    public var dimension: Int?
    /// The measures.
    public var test: ClusterSpaceSummary?

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("wanted_dimension", \.wantedDimension), .always("dimension", \.dimension),
            .always("test", \.test),
        ]
    }
}

/// Distances between the classes.
public struct ClusterSummary: SchemaObject {
    /// In the features as they are.
    public var test = ClusterSpaceSummary()
    /// In principal components.
    public var equalDimension = EqualDimensionSummary()

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [.always("test", \.test), .always("equal_dimension", \.equalDimension)]
    }
}
