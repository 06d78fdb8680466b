import NeuralNetworks

extension Tape {
    /// Gives the rows of the whole batch to a loss: the gathered ones, or the shard's own where it is all there is.
    ///
    /// - Parameters:
    ///   - own: The shard's rows, samples in order, the same number of rows each.
    ///   - shard: Which samples.
    ///   - rowsPerSample: Rows of a sample.
    ///   - body: Finds the loss.
    /// - Returns: What `body` returns.
    func withWholeBatch<Result>(
        _ own: Value, of shard: Shard, rowsPerSample: Int, _ body: (EmbeddingBatch) -> Result
    ) -> Result {
        guard let gathered = shard.gathered else { return body(EmbeddingBatch(whole: own)) }
        let rows = input(rows: gathered.rows.count / own.columns, columns: own.columns)
        rows.numbers.update(from: gathered.rows.span)
        let first = shard.firstPosition * rowsPerSample
        return body(
            EmbeddingBatch(
                rows: rows, own: first..<first + shard.windows.count * rowsPerSample,
                gradientFactor: Double(gathered.logicalShards)))
    }

    /// Computes the rows of a shard that is only measured a few samples at a time, so that a large one needs no more
    /// memory than a small one; one that is trained on is computed whole.
    ///
    /// - Parameters:
    ///   - shard: Which samples.
    ///   - rowsPerSample: Rows of a sample.
    ///   - columns: Numbers of a row.
    ///   - compute: Computes the rows of a part.
    /// - Returns: All rows.
    /// - Throws: What `compute` throws.
    func rows(
        of shard: Shard, rowsPerSample: Int, columns: Int, _ compute: (Shard) throws -> Value
    ) throws -> Value {
        guard shard.role == .validation else { return try compute(shard) }
        let partSize = 4
        let all = input(rows: shard.windows.count * rowsPerSample, columns: columns)
        for start in stride(from: 0, to: shard.windows.count, by: partSize) {
            let part = Shard(
                seed: shard.seed, step: shard.step, firstPosition: shard.firstPosition + start,
                windows: Array(shard.windows[start...].prefix(partSize)), role: .validation)
            try rewinding {
                let rows = try compute(part)
                let first = start * rowsPerSample
                all.rows(first..<first + rows.rows).numbers.update(from: rows.numbers)
            }
        }
        return all
    }
}

extension ShardReport {
    /// The numbers of a contrastive loss: itself, retrieval and chance.
    func take(_ found: ContrastiveLoss) {
        self[.loss] = found.loss
        self[.retrievalAccuracy] = found.retrievalAccuracy
        self[.retrievalChance] = found.chance
    }
}

extension Metric {
    /// The part of the rows whose nearest partner is a right one.
    static let retrievalAccuracy = Metric("retrieval_accuracy")
    /// What that would be by chance.
    static let retrievalChance = Metric("retrieval_chance")

    /// The numbers of a contrastive loss.
    static let contrastive: [Metric] = [.loss, .retrievalAccuracy, .retrievalChance]
}

/// Floating-point operations for one sample, a multiplication and an addition each.
///
/// - Parameters:
///   - forward: Multiplications of a forward pass through what is trained.
///   - onSignal: Those among them whose input is the signal, which has no gradient.
///   - gathers: Whether there is a forward pass before the one with gradients.
/// - Returns: Forward and backward pass.
func trainingOperations(forward: Double, onSignal: Double, gathers: Bool) -> Double {
    2 * (forward * (gathers ? 4 : 3) - onSignal)
}
