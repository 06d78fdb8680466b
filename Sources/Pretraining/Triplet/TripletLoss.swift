import Configurations
import Kernels
import NeuralNetworks

/// How far apart two rows are.
public typealias TripletDistance = TripletConfiguration.Distance

extension TripletDistance {
    private static let offset = 1e-6

    /// The distance of two rows.
    ///
    /// - Precondition: As many numbers on both sides.
    public func callAsFunction(_ a: Numbers<Float>, _ b: Numbers<Float>) -> Double {
        precondition(a.count == b.count, "rows of \(a.count) and \(b.count) numbers")
        let offset = self == .euclidean ? Self.offset : 0
        var total = 0.0
        for j in a.indices {
            let difference = Double(a[j]) - Double(b[j]) + offset
            total += difference * difference
        }
        return self == .euclidean ? total.squareRoot() : total
    }

    /// Adds `factor` times the distance's gradient for `a` to one row and takes it from another.
    func addGradient(
        _ a: Numbers<Float>, _ b: Numbers<Float>, factor: Double, to dA: Numbers<Double>,
        from dB: Numbers<Double>
    ) {
        precondition(
            b.count == a.count && dA.count == a.count && dB.count == a.count,
            "rows of \(a.count), \(b.count), \(dA.count) and \(dB.count) numbers")
        let offset = self == .euclidean ? Self.offset : 0
        let slope = self == .euclidean ? factor / self(a, b) : 2 * factor
        for j in a.indices {
            let term = slope * (Double(a[j]) - Double(b[j]) + offset)
            dA[j] += term
            dB[j] -= term
        }
    }
}

extension Tape {
    /// The triplet loss: mean of `max(0, distance to the positive - distance to the negative + margin)`.
    ///
    /// - Parameters:
    ///   - own: The shard's rows of `batch`.
    ///   - batch: All rows.
    ///   - triplets: Rows of the batch; without any the loss is 0.
    ///   - distance: How far apart two rows are.
    ///   - margin: By how much negatives are to be farther.
    /// - Returns: A 1 x 1 value, the mean over triplets, and the share of them that is above 0.
    public func tripletLoss(
        _ own: Value, in batch: EmbeddingBatch, triplets: [Triplet], distance: TripletDistance,
        margin: Double
    ) -> (value: Value, loss: Double, active: Double) {
        let columns = batch.columns
        let gradients = numbers(repeating: 0.0, count: batch.count * columns)
        func row(_ index: Int) -> Numbers<Double> {
            gradients.part(index * columns..<(index + 1) * columns)
        }
        let share = 1 / Double(max(triplets.count, 1))
        var (loss, active) = (0.0, 0)
        for triplet in triplets {
            let (a, p) = (batch.row(triplet.anchor), batch.row(triplet.positive))
            let n = batch.row(triplet.negative)
            let excess = distance(a, p) - distance(a, n) + margin
            guard excess > 0 else { continue }
            loss += excess * share
            active += 1
            distance.addGradient(
                a, p, factor: share, to: row(triplet.anchor), from: row(triplet.positive))
            distance.addGradient(
                a, n, factor: -share, to: row(triplet.anchor), from: row(triplet.negative))
        }
        let gradient = input(rows: own.rows, columns: own.columns)
        let target = gradient.numbers
        let found = gradients.part(
            batch.own.lowerBound * columns..<batch.own.upperBound * columns)
        precondition(found.count == target.count, "\(own.rows) rows are not \(batch.own)")
        for i in target.indices { target[i] = Float(found[i] * batch.gradientFactor) }
        return (self.loss(loss, (own, gradient)), loss, Double(active) * share)
    }
}
