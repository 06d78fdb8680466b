/// Why a measure cannot be taken of what was given.
public enum MetricError: Error, Equatable, CustomStringConvertible {
    /// There is nothing to measure.
    case empty(what: String)
    /// A score or a feature is NaN or infinite.
    case notFinite(what: String, row: Int, value: Double)
    /// All records are of one class, so that none can be told from another.
    case oneClass(what: String)
    /// Two lists that belong together have different lengths.
    case countsDiffer(what: String, counts: [Int])
    /// Resamples of the records never had every class.
    case cannotResample(what: String, attempts: Int)
    /// Cluster measures need at least two clusters and fewer clusters than records.
    case unfitClusters(clusters: Int, records: Int)
    /// More neighbours are asked for than there are records.
    case tooFewNeighbours(wanted: Int, records: Int)
    /// t-SNE needs three other records for each neighbour that counts.
    case unfitPerplexity(Double, records: Int)

    /// One line: what, where, remedy.
    public var description: String {
        switch self {
        case .empty(let what): "\(what): there is no record to measure"
        case .notFinite(let what, let row, let value):
            "\(what), record number \(row): the value is \(value); a diverged model gives such values"
        case .oneClass(let what):
            "\(what): all records are on one side, so that a ranking cannot be right or wrong; "
                + "at least one record of each side is needed"
        case .countsDiffer(let what, let counts):
            "\(what): \(counts.map(String.init).joined(separator: " and ")) records do not belong "
                + "together"
        case .cannotResample(let what, let attempts):
            "\(what): none of \(attempts) resamples had a record of every class; too few records "
                + "for an interval"
        case .unfitClusters(let clusters, let records):
            "\(clusters) clusters of \(records) records: at least 2 clusters and fewer than "
                + "records are needed"
        case .tooFewNeighbours(let wanted, let records):
            "\(wanted) neighbours are asked for, but only \(records) records are labelled for "
                + "training"
        case .unfitPerplexity(let perplexity, let records):
            "a perplexity of \(perplexity) among \(records) records: it must be between 1 and "
                + "\(max(1, (records - 1) / 3)), and there must be at least 4 records"
        }
    }
}
