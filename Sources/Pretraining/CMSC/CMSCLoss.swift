import Configurations
import Kernels
import LinearAlgebra
import NeuralNetworks

/// Which entries of the table of similarities count as positive, and how they are averaged.
public typealias CMSCTerms = CMSCConfiguration.Terms

extension Tape {
    /// Contrastive multi-segment coding: first segments look for second segments of the same patient, and the
    /// other way round.
    ///
    /// Source: Kiyasseh, Zhu and Clifton, "CLOCS: contrastive learning of cardiac signals across space, time, and
    /// patients", 2021, equations 1 to 4.
    ///
    /// - Parameters:
    ///   - own: The shard's rows of `batch`, each of length 1; row 2i is a sample's first segment, 2i + 1 its second.
    ///   - batch: All rows.
    ///   - patients: The patient of each sample of the batch.
    ///   - terms: What is averaged.
    ///   - temperature: What cosines are divided by.
    /// - Returns: The loss; a segment counts as found where the most similar one is of the same patient.
    public func cmsc(
        _ own: Value, in batch: EmbeddingBatch, patients: [Int], terms: CMSCTerms,
        temperature: Double
    ) -> ContrastiveLoss {
        let (n, columns) = (batch.count / 2, batch.columns)
        precondition(patients.count == n, "\(patients.count) patients for \(n) samples")
        let table = SimilarityTable(
            n: n, rows: arena.floats(n * n), columns: arena.floats(n * n),
            slope: arena.floats(n * n))
        let (first, second) = (batch.rows, batch.rows + columns)
        MatrixProduct.multiply(
            .init(first, stride: 2 * columns), .init(second, stride: 2 * columns, .transposed),
            m: n, n: n, k: columns, into: table.rows)
        let weights = CMSCWeights(patients: patients, terms: terms)
        let (accuracy, chance) = table.retrieval(patients: patients)
        let logarithms = arena.bytes(2 * n * MemoryLayout<Double>.size)
            .assumingMemoryBound(to: Double.self)
        let loss = table.loss(
            weights: weights, temperature: temperature, rowLogarithms: logarithms,
            columnLogarithms: logarithms + n)
        let gradient = arena.floats(own.count)
        if own.wantsGradient {
            let samples = batch.own.lowerBound / 2..<batch.own.upperBound / 2
            let factor = Float(batch.gradientFactor / temperature)
            MatrixProduct.multiply(
                .init(table.slope + samples.lowerBound * n, stride: n),
                .init(second, stride: 2 * columns), m: samples.count, n: columns, k: n,
                alpha: factor, into: gradient, stride: 2 * columns)
            MatrixProduct.multiply(
                .init(table.slope + samples.lowerBound, stride: n, .transposed),
                .init(first, stride: 2 * columns), m: samples.count, n: columns, k: n,
                alpha: factor, into: gradient + columns, stride: 2 * columns)
        }
        return ContrastiveLoss(
            value: self.loss(loss, (own, gradient)), loss: loss, retrievalAccuracy: accuracy,
            chance: chance)
    }
}

/// The weight of each entry's negative logarithm in the loss.
private struct CMSCWeights {
    let patients: [Int]
    let terms: CMSCTerms
    /// Weight of an entry on the diagonal.
    private let diagonal: Double
    /// Weight of another entry of the same patient.
    private let beside: Double

    init(patients: [Int], terms: CMSCTerms) {
        (self.patients, self.terms) = (patients, terms)
        let n = patients.count
        var pairs = 0
        for i in 0..<n {
            for j in i + 1..<max(n, i + 1) where patients[i] == patients[j] { pairs += 1 }
        }
        switch terms {
        case .four:
            let means: Double = pairs > 0 ? 4 : 2
            diagonal = 1 / (means * Double(n))
            beside = pairs > 0 ? 1 / (means * Double(pairs)) : 0
        case .two:
            diagonal = 1 / (2 * Double(n + 2 * pairs))
            beside = diagonal
        }
    }

    /// Weights of an entry's part by rows and of its part by columns.
    func callAsFunction(_ i: Int, _ j: Int) -> (byRow: Double, byColumn: Double) {
        if i == j { return (diagonal, diagonal) }
        guard patients[i] == patients[j] else { return (0, 0) }
        if terms == .two { return (beside, beside) }
        return i < j ? (beside, 0) : (0, beside)
    }
}

/// Similarities of all first with all second segments.
private struct SimilarityTable {
    let n: Int
    /// Similarities, later their softmax over each row; shape `[n, n]`, first segments by second ones.
    let rows: UnsafeMutablePointer<Float>
    /// The softmax over first segments, shape `[n, n]`, second segments by first ones.
    let columns: UnsafeMutablePointer<Float>
    /// The gradient of the loss for similarities over the temperature, as `rows`.
    let slope: UnsafeMutablePointer<Float>

    /// Share of segments, first and second ones, whose most similar other one is of the same patient.
    func retrieval(patients: [Int]) -> (accuracy: Double, chance: Double) {
        var (found, possible) = (0, 0)
        for i in 0..<n {
            if patients[indexOfLargest(rows + i * n, count: n)] == patients[i] { found += 1 }
            if patients[indexOfLargest(rows + i, count: n, stride: n)] == patients[i] {
                found += 1
            }
            for j in 0..<n where patients[i] == patients[j] { possible += 1 }
        }
        return (Double(found) / Double(2 * n), Double(possible) / Double(n * n))
    }

    func loss(
        weights: CMSCWeights, temperature: Double,
        rowLogarithms: UnsafeMutablePointer<Double>, columnLogarithms: UnsafeMutablePointer<Double>
    ) -> Double {
        var loss = 0.0
        for i in 0..<n {
            for j in 0..<n {
                let (byRow, byColumn) = weights(i, j)
                loss -= (byRow + byColumn) * Double(rows[i * n + j]) / temperature
                columns[j * n + i] = rows[i * n + j]
                slope[i * n + j] = Float(-byRow - byColumn)
            }
        }
        let scale = Float(1 / temperature)
        softmaxRows(rows, scale: scale, rows: n, columns: n, logarithms: rowLogarithms)
        softmaxRows(columns, scale: scale, rows: n, columns: n, logarithms: columnLogarithms)
        for i in 0..<n {
            var (rowWeight, columnWeight) = (0.0, 0.0)
            for j in 0..<n {
                rowWeight += weights(i, j).byRow
                columnWeight += weights(j, i).byColumn
            }
            loss += rowWeight * rowLogarithms[i] + columnWeight * columnLogarithms[i]
            for j in 0..<n {
                slope[i * n + j] += Float(rowWeight) * rows[i * n + j]
                slope[j * n + i] += Float(columnWeight) * columns[i * n + j]
            }
        }
        return loss
    }
}
