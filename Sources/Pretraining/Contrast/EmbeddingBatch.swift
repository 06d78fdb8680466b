import Kernels
import NeuralNetworks

/// Embeddings of a whole batch, which a loss compares with one another.
///
/// Every shard sees all of them and finds the loss of the whole batch; it has the gradient of its own rows alone.
public struct EmbeddingBatch {
    /// All rows, in the order of the batch.
    let rows: Floats
    /// Number of rows.
    let count: Int
    /// Numbers in a row.
    let columns: Int
    /// The rows that this shard has computed itself.
    let own: Range<Int>
    /// What own gradients are multiplied by: the number of shards, since a step takes the mean over them.
    let gradientFactor: Double

    /// Rows of a batch.
    ///
    /// - Parameters:
    ///   - rows: All rows, in the order of the batch.
    ///   - count: Number of rows.
    ///   - columns: Numbers in a row.
    ///   - own: The rows that this shard has computed itself.
    ///   - gradientFactor: The number of shards.
    public init(
        rows: Floats, count: Int, columns: Int, own: Range<Int>, gradientFactor: Double
    ) {
        self.rows = rows
        self.count = count
        self.columns = columns
        self.own = own
        self.gradientFactor = gradientFactor
    }

    /// A batch that one shard has computed whole.
    ///
    /// - Parameter value: Its rows.
    public init(whole value: Value) {
        self.init(
            rows: value.data, count: value.rows, columns: value.columns, own: 0..<value.rows,
            gradientFactor: 1)
    }

    /// A row's numbers.
    public func row(_ index: Int) -> Floats { rows + index * columns }
}

/// What a loss over a batch has found.
public struct ContrastiveLoss {
    /// A 1 x 1 value.
    public let value: Value
    /// The loss of the whole batch.
    public let loss: Double
    /// Share of rows whose most similar row, ties to the lowest, is one that belongs to them.
    public let retrievalAccuracy: Double
    /// The same share if the most similar row were drawn by lot.
    public let chance: Double
}

/// The number of the largest of some numbers, ties to the lowest.
func indexOfLargest(_ x: Floats, count: Int, stride: Int = 1) -> Int {
    var best = 0
    for i in 1..<max(count, 1) where x[i * stride] > x[best * stride] { best = i }
    return best
}
