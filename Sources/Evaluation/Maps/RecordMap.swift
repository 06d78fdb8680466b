import Kernels
import LinearAlgebra
import Statistics

/// How records are brought into a plane.
public struct MapSettings: Sendable {
    /// The perplexity of t-SNE; lowered where there are too few records for it.
    public var perplexity: Double
    /// So many records at most, drawn from the seed: t-SNE looks at all pairs, a thousand times.
    public var recordLimit: Int

    /// The records that a map has room for, by default.
    public static let usualRecordLimit = 3000

    /// Settings by name.
    public init(
        perplexity: Double = StochasticNeighbourEmbedding.usualPerplexity,
        recordLimit: Int = usualRecordLimit
    ) {
        self.perplexity = perplexity
        self.recordLimit = recordLimit
    }
}

/// Records in a plane, to look at: by principal components, and by t-SNE.
public struct RecordMap: Sendable {
    /// Which rows of the features were placed, ascending.
    public let rows: [Int]
    /// Each placed record's first two principal components.
    public let components: Matrix
    /// The shares of variance that these two have, among the records that they were found from.
    public let varianceShares: [Double]
    /// Each placed record's place by t-SNE; `nil` where there are fewer than four records.
    public let neighbours: StochasticNeighbourEmbedding?

    /// Places records.
    ///
    /// - Parameters:
    ///   - features: A row a record.
    ///   - training: The records that principal components are found from.
    ///   - settings: How.
    ///   - seed: What a sample of too many records is drawn from.
    /// - Throws: `MetricError` where there is no record, or a number is not finite.
    public init(
        _ features: Matrix, fittedTo training: Matrix, settings: MapSettings, seed: UInt64
    ) throws(MetricError) {
        rows = Self.sample(settings.recordLimit, of: features.rows, seed: seed)
        let chosen = features.selecting(rows: rows)
        let directions = try PrincipalComponents(fittedTo: training, count: 2)
        components = directions(chosen).widened(to: 2)
        varianceShares = directions.variances.map { $0 / directions.totalVariance }
        let perplexity = min(
            settings.perplexity,
            StochasticNeighbourEmbedding.largestPerplexity(records: chosen.rows))
        neighbours =
            perplexity >= 1
            ? try StochasticNeighbourEmbedding(chosen, perplexity: perplexity, seed: seed) : nil
    }

    /// Numbers below `count`, all of them or as many as there is room for, ascending.
    ///
    /// - Parameters:
    ///   - limit: The room.
    ///   - count: How many there are.
    ///   - seed: What decides which are taken.
    /// - Returns: Numbers without repetition.
    public static func sample(_ limit: Int, of count: Int, seed: UInt64) -> [Int] {
        var numbers = Array(0..<count)
        guard count > limit else { return numbers }
        var random = RandomStream(seed: seed, purpose: .sampling, position: 3)
        for place in 0..<limit {
            numbers.swapAt(place, place + random.nextInteger(below: count - place))
        }
        return numbers[..<limit].sorted()
    }
}
