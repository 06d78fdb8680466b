import Kernels
import LinearAlgebra

/// What attention of one query over tokens is trained on.
struct AttentionPoolWeights: BitwiseCopyable {
    /// The learned query, `width` numbers.
    let query: Value
    /// Map of the query, shape `[width, width]`; a head has as many rows of each map as it has numbers.
    let queries: Value
    /// Map of the tokens to keys, likewise.
    let keys: Value
    /// Map of the tokens to values, likewise.
    let values: Value
}

extension Tape {
    /// Attention of one query over all tokens of a sample: `softmax(q k' / sqrt(n)) v` for every head of n numbers.
    ///
    /// With a single query no key and no value needs to be computed: what a head looks for is mapped back to the width of a
    /// token (`q' W_k`), and its values are mapped after their sum (`W_v Σ p x`).
    ///
    /// - Parameters:
    ///   - tokens: Shape `[samples * time, width]`, or `[width, samples * time]` where rows are channels.
    ///   - samples: Independent signals, one after another.
    ///   - areChannels: Whether the rows of tokens are channels.
    ///   - heads: A divisor of the width.
    ///   - weights: What is trained.
    /// - Returns: Shape `[samples, width]`, heads side by side.
    func attentionPool(
        _ tokens: Value, samples: Int, areChannels: Bool, heads: Int,
        _ weights: AttentionPoolWeights
    ) -> Value {
        let width = weights.query.count
        let time = tokens.count / width / samples
        precondition(
            (areChannels ? tokens.rows : tokens.columns) == width && width % heads == 0
                && time > 0 && tokens.count == samples * time * width
                && [weights.queries, weights.keys, weights.values].allSatisfy {
                    $0.rows == width && $0.columns == width
                },
            "\(tokens.rows) x \(tokens.columns) are no tokens of \(samples) samples and \(width) numbers"
        )
        let y = result(rows: samples, columns: width)
        let operation = AttentionPoolOperation(
            tokens: tokens, weights: weights, y: y, samples: samples, time: time, heads: heads,
            areChannels: areChannels, query: input(rows: width, columns: 1),
            wanted: input(rows: heads, columns: width),
            probabilities: input(rows: samples * heads, columns: time),
            sums: input(rows: samples * heads, columns: width))
        operation.forward()
        record(operation)
        return y
    }
}

private struct AttentionPoolOperation: Operation {
    let tokens: Value
    let weights: AttentionPoolWeights
    let y: Value
    let samples: Int
    let time: Int
    let heads: Int
    let areChannels: Bool
    /// The mapped query, shape `[width, 1]`.
    let query: Value
    /// What each head looks for in a token, shape `[heads, width]`.
    let wanted: Value
    /// Shape `[samples * heads, time]`.
    let probabilities: Value
    /// Sums of tokens by the probabilities of each head, shape `[samples * heads, width]`.
    let sums: Value

    private var width: Int { y.columns }
    private var scale: Float { 1 / Float(width / heads).squareRoot() }

    /// The places of a head in a vector.
    private func part(_ head: Int) -> Range<Int> {
        let count = width / heads
        return head * count..<(head + 1) * count
    }

    /// A sample's tokens, shape `[time, width]`.
    private func tokens(of sample: Int) -> MatrixView {
        let places = sample * time..<(sample + 1) * time
        return areChannels
            ? tokens.matrix.columns(places).transposed : tokens.matrix.rows(places)
    }

    /// The rows of a sample's heads.
    private func rows(of sample: Int) -> Range<Int> { sample * heads..<(sample + 1) * heads }

    func forward() {
        MatrixProduct.multiply(
            weights.queries.matrix, MatrixView(weights.query.numbers, columns: 1),
            into: query.matrix)
        for head in 0..<heads {
            MatrixProduct.multiply(
                query.matrix.rows(part(head)).transposed, weights.keys.matrix.rows(part(head)),
                alpha: scale, into: wanted.matrix.rows(head..<head + 1))
        }
        for sample in 0..<samples {
            let (x, rows) = (tokens(of: sample), rows(of: sample))
            MatrixProduct.multiply(
                wanted.matrix, x.transposed, into: probabilities.matrix.rows(rows))
            softmaxRows(
                probabilities.data + rows.lowerBound * time, scale: 1, rows: heads, columns: time)
            MatrixProduct.multiply(
                probabilities.matrix.rows(rows), x, into: sums.matrix.rows(rows))
        }
        for head in 0..<heads {
            MatrixProduct.multiply(
                sums.matrix.everyRow(heads, from: head),
                weights.values.matrix.rows(part(head)).transposed,
                into: y.matrix.columns(part(head)))
        }
    }

    func backward(on tape: Tape) {
        guard let dy = tape.takenGradient(of: y) else { return }
        let dSums = tape.gradientBuffer(sums.count)
        let gradient = MatrixView(Numbers(startAddress: dSums, count: sums.count), columns: width)
        let dValues = tape.addedGradient(to: weights.values)
        for head in 0..<heads {
            let own = dy.matrix.columns(part(head))
            if let dValues {
                MatrixProduct.multiply(
                    own.transposed, sums.matrix.everyRow(heads, from: head), beta: 1,
                    into: dValues.matrix.rows(part(head)))
            }
            MatrixProduct.multiply(
                own, weights.values.matrix.rows(part(head)),
                into: gradient.everyRow(heads, from: head))
        }
        tape.finishUse(of: weights.values)
        tape.release(dy)
        let dWanted = tape.gradientBuffer(wanted.count)
        dWanted.update(repeating: 0, count: wanted.count)
        let wantedGradient = MatrixView(
            Numbers(startAddress: dWanted, count: wanted.count), columns: width)
        addTokenGradients(of: gradient, wanted: wantedGradient, on: tape)
        addQueryGradients(wanted: wantedGradient, on: tape)
        tape.release(dSums, count: sums.count)
        tape.release(dWanted, count: wanted.count)
    }

    /// Goes back from the sums over the probabilities to the tokens, and to what heads look for.
    private func addTokenGradients(of sums: MatrixView, wanted target: MatrixView, on tape: Tape) {
        let dScores = tape.gradientBuffer(heads * time)
        let scores = MatrixView(Numbers(startAddress: dScores, count: heads * time), columns: time)
        let dTokens = tape.addedGradient(to: tokens)
        for sample in 0..<samples {
            let (x, rows) = (tokens(of: sample), rows(of: sample))
            let own = sums.rows(rows)
            MatrixProduct.multiply(own, x.transposed, into: scores)
            softmaxRowsBackward(
                dScores, probabilities: probabilities.data + rows.lowerBound * time, scale: 1,
                rows: heads, columns: time)
            MatrixProduct.multiply(scores, x, beta: 1, into: target)
            guard let dTokens else { continue }
            let parts = [(probabilities.matrix.rows(rows), own), (scores, wanted.matrix)]
            let places = sample * time..<(sample + 1) * time
            for (factors, vectors) in parts {
                if areChannels {
                    MatrixProduct.multiply(
                        vectors.transposed, factors, beta: 1,
                        into: dTokens.matrix.columns(places))
                } else {
                    MatrixProduct.multiply(
                        factors.transposed, vectors, beta: 1, into: dTokens.matrix.rows(places))
                }
            }
        }
        tape.release(dScores, count: heads * time)
    }

    /// Goes back from what heads look for to the maps of keys and of the query, and to the query itself.
    private func addQueryGradients(wanted gradient: MatrixView, on tape: Tape) {
        let dQuery = tape.gradientBuffer(width)
        let mapped = MatrixView(Numbers(startAddress: dQuery, count: width), columns: 1)
        let dKeys = tape.addedGradient(to: weights.keys)
        for head in 0..<heads {
            let own = gradient.rows(head..<head + 1)
            if let dKeys {
                MatrixProduct.multiply(
                    query.matrix.rows(part(head)), own, alpha: scale, beta: 1,
                    into: dKeys.matrix.rows(part(head)))
            }
            MatrixProduct.multiply(
                weights.keys.matrix.rows(part(head)), own.transposed, alpha: scale,
                into: mapped.rows(part(head)))
        }
        tape.finishUse(of: weights.keys)
        if let dQueries = tape.addedGradient(to: weights.queries) {
            MatrixProduct.multiply(
                mapped, MatrixView(weights.query.numbers, columns: 1).transposed, beta: 1,
                into: dQueries.matrix)
            tape.finishUse(of: weights.queries)
        }
        if let target = tape.addedGradient(to: weights.query) {
            MatrixProduct.multiply(
                weights.queries.matrix.transposed, mapped, beta: 1,
                into: MatrixView(target.numbers, columns: 1))
            tape.finishUse(of: weights.query)
        }
        tape.release(dQuery, count: width)
    }
}
