import Kernels
import NeuralNetworks

/// Embeddings of a whole batch, which a loss compares with one another.
///
/// Every shard sees all of them and finds the loss of the whole batch; it has the gradient of its own rows alone.
public struct EmbeddingBatch {
    /// All rows, in the order of the batch.
    let rows: Value
    /// The rows that this shard has computed itself.
    let own: Range<Int>
    /// What own gradients are multiplied by: the number of shards, since a step takes the mean over them.
    let gradientFactor: Double

    /// Rows of a batch.
    ///
    /// - Parameters:
    ///   - rows: All rows, in the order of the batch.
    ///   - own: The rows that this shard has computed itself.
    ///   - gradientFactor: The number of shards.
    public init(rows: Value, own: Range<Int>, gradientFactor: Double) {
        precondition(
            own.lowerBound >= 0 && own.upperBound <= rows.rows, "rows \(own) of \(rows.rows)")
        self.rows = rows
        self.own = own
        self.gradientFactor = gradientFactor
    }

    /// A batch that one shard has computed whole.
    ///
    /// - Parameter value: Its rows.
    public init(whole value: Value) {
        self.init(rows: value, own: 0..<value.rows, gradientFactor: 1)
    }

    /// Number of rows.
    var count: Int { rows.rows }
    /// Numbers in a row.
    var columns: Int { rows.columns }

    /// A row's numbers.
    public func row(_ index: Int) -> Numbers<Float> { rows.row(index) }
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
