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
        let n = batch.count / 2
        precondition(patients.count == n, "\(patients.count) patients for \(n) samples")
        let table = SimilarityTable(
            n: n, rows: input(rows: n, columns: n), columns: input(rows: n, columns: n),
            slope: input(rows: n, columns: n))
        let first = batch.rows.matrix.everyRow(2, from: 0)
        let second = batch.rows.matrix.everyRow(2, from: 1)
        MatrixProduct.multiply(first, second.transposed, into: table.rows.matrix)
        let weights = CMSCWeights(patients: patients, terms: terms)
        let (accuracy, chance) = table.retrieval(patients: patients)
        let loss = table.loss(
            weights: weights, temperature: temperature,
            rowLogarithms: numbers(n, of: Double.self),
            columnLogarithms: numbers(n, of: Double.self))
        let gradient = input(rows: own.rows, columns: own.columns)
        if own.wantsGradient {
            let samples = batch.own.lowerBound / 2..<batch.own.upperBound / 2
            let factor = Float(batch.gradientFactor / temperature)
            let slope = table.slope.matrix
            MatrixProduct.multiply(
                slope.rows(samples), second, alpha: factor,
                into: gradient.matrix.everyRow(2, from: 0))
            MatrixProduct.multiply(
                slope.columns(samples).transposed, first, alpha: factor,
                into: gradient.matrix.everyRow(2, from: 1))
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
    let rows: Value
    /// The softmax over first segments, shape `[n, n]`, second segments by first ones.
    let columns: Value
    /// The gradient of the loss for similarities over the temperature, as `rows`.
    let slope: Value

    /// Share of segments, first and second ones, whose most similar other one is of the same patient.
    func retrieval(patients: [Int]) -> (accuracy: Double, chance: Double) {
        var (found, possible) = (0, 0)
        for i in 0..<n {
            if patients[placeOfLargest(rows.row(i))] == patients[i] { found += 1 }
            if patients[rowOfLargest(inColumn: i)] == patients[i] { found += 1 }
            for j in 0..<n where patients[i] == patients[j] { possible += 1 }
        }
        return (Double(found) / Double(2 * n), Double(possible) / Double(n * n))
    }

    private func rowOfLargest(inColumn column: Int) -> Int {
        let all = rows.numbers
        var best = 0
        for row in 1..<max(n, 1) where all[row * n + column] > all[best * n + column] { best = row }
        return best
    }

    func loss(
        weights: CMSCWeights, temperature: Double, rowLogarithms: Numbers<Double>,
        columnLogarithms: Numbers<Double>
    ) -> Double {
        var loss = 0.0
        let (allColumns, slopes) = (columns.numbers, slope.numbers)
        for i in 0..<n {
            let (row, rowSlope) = (rows.row(i), slope.row(i))
            for j in row.indices {
                let (byRow, byColumn) = weights(i, j)
                loss -= (byRow + byColumn) * Double(row[j]) / temperature
                allColumns[j * n + i] = row[j]
                rowSlope[j] = Float(-byRow - byColumn)
            }
        }
        let scale = Float(1 / temperature)
        softmaxRows(rows, scale: scale, logarithms: rowLogarithms)
        softmaxRows(columns, scale: scale, logarithms: columnLogarithms)
        for i in 0..<n {
            var (rowWeight, columnWeight) = (0.0, 0.0)
            for j in 0..<n {
                rowWeight += weights(i, j).byRow
                columnWeight += weights(j, i).byColumn
            }
            loss += rowWeight * rowLogarithms[i] + columnWeight * columnLogarithms[i]
            let (row, column, rowSlope) = (rows.row(i), columns.row(i), slope.row(i))
            for j in row.indices {
                rowSlope[j] += Float(rowWeight) * row[j]
                slopes[j * n + i] += Float(columnWeight) * column[j]
            }
        }
        return loss
    }
}
