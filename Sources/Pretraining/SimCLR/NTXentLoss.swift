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
        let (n, rows) = (batch.count, batch.rows.matrix)
        let p = input(rows: n, columns: n)
        MatrixProduct.multiply(rows, rows.transposed, into: p.matrix)
        let logarithms = numbers(n, of: Double.self)
        var (total, found) = (0.0, 0)
        for i in 0..<n {
            p[i, i] = -.infinity
            total -= Double(p[i, i ^ 1]) / temperature
            if placeOfLargest(p.row(i)) == i ^ 1 { found += 1 }
        }
        softmaxRows(p, scale: Float(1 / temperature), logarithms: logarithms)
        for i in 0..<n { total += logarithms[i] }
        let loss = total / Double(n)
        let gradient = input(rows: own.rows, columns: own.columns)
        if own.wantsGradient {
            let coefficients = input(rows: own.rows, columns: n)
            let all = p.numbers
            for (place, i) in batch.own.enumerated() {
                let (target, row) = (coefficients.row(place), p.row(i))
                for j in target.indices { target[j] = row[j] + all[j * n + i] }
                target[i ^ 1] -= 2
            }
            MatrixProduct.multiply(
                coefficients.matrix, rows,
                alpha: Float(batch.gradientFactor / (Double(n) * temperature)),
                into: gradient.matrix)
        }
        return ContrastiveLoss(
            value: self.loss(loss, (own, gradient)), loss: loss,
            retrievalAccuracy: Double(found) / Double(n), chance: 1 / Double(max(n - 1, 1)))
    }
}
