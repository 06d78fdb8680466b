import Kernels
import LinearAlgebra
import NeuralNetworks

extension Tape {
    /// NT-Xent: each row's cross entropy for finding its partner among all other rows.
    ///
    /// Source: Chen et al., "A simple framework for contrastive learning of visual representations", 2020, equation 1.
    ///
    /// - Parameters:
    ///   - own: The shard's rows of `batch`, each of length 1; rows 2i and 2i + 1 are partners.
    ///   - batch: All rows.
    ///   - temperature: What cosines are divided by.
    /// - Returns: The mean over all rows.
    public func ntXent(
        _ own: Value, in batch: EmbeddingBatch, temperature: Double
    ) -> ContrastiveLoss {
        let (n, columns) = (batch.count, batch.columns)
        let p = arena.floats(n * n)
        MatrixProduct.multiply(
            .init(batch.rows, stride: columns), .init(batch.rows, stride: columns, .transposed),
            m: n, n: n, k: columns, into: p)
        let logarithms = arena.bytes(n * MemoryLayout<Double>.size)
            .assumingMemoryBound(to: Double.self)
        var (total, found) = (0.0, 0)
        for i in 0..<n {
            p[i * n + i] = -.infinity
            total -= Double(p[i * n + (i ^ 1)]) / temperature
            if indexOfLargest(p + i * n, count: n) == i ^ 1 { found += 1 }
        }
        softmaxRows(p, scale: Float(1 / temperature), rows: n, columns: n, logarithms: logarithms)
        for i in 0..<n { total += logarithms[i] }
        let loss = total / Double(n)
        let gradient = arena.floats(own.count)
        if own.wantsGradient {
            let coefficients = arena.floats(own.rows * n)
            for (place, i) in batch.own.enumerated() {
                let row = coefficients + place * n
                for j in 0..<n { row[j] = p[i * n + j] + p[j * n + i] }
                row[i ^ 1] -= 2
            }
            MatrixProduct.multiply(
                .init(coefficients, stride: n), .init(batch.rows, stride: columns),
                m: own.rows, n: columns, k: n,
                alpha: Float(batch.gradientFactor / (Double(n) * temperature)), into: gradient)
        }
        return ContrastiveLoss(
            value: self.loss(loss, (own, gradient)), loss: loss,
            retrievalAccuracy: Double(found) / Double(n), chance: 1 / Double(max(n - 1, 1)))
    }
}
