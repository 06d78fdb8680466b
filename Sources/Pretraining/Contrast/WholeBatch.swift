import Kernels
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
        return gathered.rows.withUnsafeBufferPointer { rows in
            guard let start = rows.baseAddress else { preconditionFailure("an empty batch") }
            let first = shard.firstPosition * rowsPerSample
            return body(
                EmbeddingBatch(
                    rows: start, count: rows.count / own.columns, columns: own.columns,
                    own: first..<first + shard.windows.count * rowsPerSample,
                    gradientFactor: Double(gathered.logicalShards)))
        }
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
            try arena.rewinding {
                let rows = try compute(part)
                (all.data + start * rowsPerSample * columns).update(
                    from: rows.data, count: rows.count)
            }
        }
        return all
    }

    /// Rows of two matrices in turns.
    ///
    /// - Parameters:
    ///   - first: Shape `[rows, columns]`; its rows become the even ones.
    ///   - second: The same shape; its rows become the odd ones.
    /// - Returns: Shape `[2 * rows, columns]`.
    public func interleavedRows(_ first: Value, _ second: Value) -> Value {
        precondition(
            first.rows == second.rows && first.columns == second.columns,
            "\(first.rows) x \(first.columns) and \(second.rows) x \(second.columns)")
        let y = result(rows: 2 * first.rows, columns: first.columns)
        let columns = first.columns
        for row in 0..<first.rows {
            let target = y.data + 2 * row * columns
            target.update(from: first.data + row * columns, count: columns)
            (target + columns).update(from: second.data + row * columns, count: columns)
        }
        record(InterleavedRowsOperation(first: first, second: second, y: y))
        return y
    }
}

private struct InterleavedRowsOperation: NeuralNetworks.Operation {
    let first: Value
    let second: Value
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        for (place, part) in [first, second].enumerated() {
            guard let target = tape.addedContribution(to: part) else { continue }
            for row in 0..<part.rows {
                add(
                    dy + (2 * row + place) * y.columns, into: target + row * y.columns,
                    count: y.columns)
            }
        }
        tape.release(dy, count: y.count)
    }
}

/// A workspace whose gathered rows are those that its loss begins with.
protocol EmbeddingRows: RowWorkspace {
    /// The rows of a shard's samples, as many of each as are gathered.
    func rows(of shard: Shard, from source: any WindowSource, on tape: Tape) throws -> Value
}

extension EmbeddingRows {
    func gather(
        _ shard: Shard, from source: any WindowSource, into rows: UnsafeMutableBufferPointer<Float>,
        on tape: Tape
    ) throws {
        let own = try self.rows(of: shard, from: source, on: tape)
        _ = rows.update(from: UnsafeMutableBufferPointer(start: own.data, count: own.count))
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
