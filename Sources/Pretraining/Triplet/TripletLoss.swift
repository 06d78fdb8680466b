import Configurations
import Kernels
import NeuralNetworks

/// How far apart two rows are.
public typealias TripletDistance = TripletConfiguration.Distance

extension TripletDistance {
    private static let offset = 1e-6

    /// The distance of two rows.
    public func callAsFunction(_ a: Floats, _ b: Floats, columns: Int) -> Double {
        let offset = self == .euclidean ? Self.offset : 0
        var total = 0.0
        for j in 0..<columns {
            let difference = Double(a[j]) - Double(b[j]) + offset
            total += difference * difference
        }
        return self == .euclidean ? total.squareRoot() : total
    }

    /// Adds `factor` times the distance's gradient for `a` to one row and takes it from another.
    func addGradient(
        _ a: Floats, _ b: Floats, columns: Int, factor: Double,
        to dA: UnsafeMutablePointer<Double>, from dB: UnsafeMutablePointer<Double>
    ) {
        let offset = self == .euclidean ? Self.offset : 0
        let slope = self == .euclidean ? factor / self(a, b, columns: columns) : 2 * factor
        for j in 0..<columns {
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
        let gradients = arena.bytes(batch.count * columns * MemoryLayout<Double>.size)
            .assumingMemoryBound(to: Double.self)
        gradients.update(repeating: 0, count: batch.count * columns)
        let share = 1 / Double(max(triplets.count, 1))
        var (loss, active) = (0.0, 0)
        for triplet in triplets {
            let (a, p) = (batch.row(triplet.anchor), batch.row(triplet.positive))
            let n = batch.row(triplet.negative)
            let excess =
                distance(a, p, columns: columns) - distance(a, n, columns: columns) + margin
            guard excess > 0 else { continue }
            loss += excess * share
            active += 1
            let dAnchor = gradients + triplet.anchor * columns
            distance.addGradient(
                a, p, columns: columns, factor: share, to: dAnchor,
                from: gradients + triplet.positive * columns)
            distance.addGradient(
                a, n, columns: columns, factor: -share, to: dAnchor,
                from: gradients + triplet.negative * columns)
        }
        let gradient = arena.floats(own.count)
        let start = batch.own.lowerBound * columns
        for i in 0..<own.count {
            gradient[i] = Float(gradients[start + i] * batch.gradientFactor)
        }
        return (self.loss(loss, (own, gradient)), loss, Double(active) * share)
    }
}
