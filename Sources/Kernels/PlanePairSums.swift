/// What all points of a plane do to one in t-SNE: sums over pairs, four at a time.
///
/// Source: van der Maaten and Hinton, "Visualizing data using t-SNE", 2008, equation 5.
public struct PlanePairSums: Sendable {
    /// The sum of `1 / (1 + distance²)` over the other points.
    public let nearness: Double
    /// What draws the point to those that it is to be near.
    public let attraction: (x: Double, y: Double)
    /// What pushes it from all.
    public let repulsion: (x: Double, y: Double)

    /// The sums for one point.
    ///
    /// - Parameters:
    ///   - point: Its number.
    ///   - x: Places of all points.
    ///   - y: Places of all points.
    ///   - shares: How near the point is to be to each.
    /// - Precondition: As many numbers of each.
    public init(
        of point: Int, x: Span<Double>, y: Span<Double>, shares: Span<Double>
    ) {
        precondition(
            x.count == y.count && x.count == shares.count && 0..<x.count ~= point,
            "point \(point) of \(x.count), \(y.count) and \(shares.count)")
        self = x.withUnsafeBufferPointer { x in
            y.withUnsafeBufferPointer { y in
                shares.withUnsafeBufferPointer { PlanePairSums(of: point, x: x, y: y, shares: $0) }
            }
        }
    }

    @inline(__always)
    private init(
        of i: Int, x: UnsafeBufferPointer<Double>, y: UnsafeBufferPointer<Double>,
        shares: UnsafeBufferPointer<Double>
    ) {
        typealias Four = SIMD4<Double>
        let (ownX, ownY, one) = (Four(repeating: x[i]), Four(repeating: y[i]), Four(repeating: 1))
        var (nearness, pullX, pullY, pushX, pushY) = (Four(), Four(), Four(), Four(), Four())
        func four(_ values: UnsafeBufferPointer<Double>, _ j: Int) -> Four {
            UnsafeRawBufferPointer(values).loadUnaligned(fromByteOffset: 8 * j, as: Four.self)
        }
        var j = 0
        while j &+ 4 <= x.count {
            let (dx, dy) = (ownX - four(x, j), ownY - four(y, j))
            let near = one / (one + dx * dx + dy * dy)
            let (pull, push) = (four(shares, j) * near, near * near)
            nearness += near
            pullX.addProduct(pull, dx)
            pullY.addProduct(pull, dy)
            pushX.addProduct(push, dx)
            pushY.addProduct(push, dy)
            j &+= 4
        }
        var sums = (nearness.sum(), pullX.sum(), pullY.sum(), pushX.sum(), pushY.sum())
        while j < x.count {
            let (dx, dy) = (x[i] - x[j], y[i] - y[j])
            let near = 1 / (1 + dx * dx + dy * dy)
            sums.0 += near
            sums.1 += shares[j] * near * dx
            sums.2 += shares[j] * near * dy
            sums.3 += near * near * dx
            sums.4 += near * near * dy
            j &+= 1
        }
        // The record itself is near itself.
        self.nearness = sums.0 - 1
        attraction = (sums.1, sums.2)
        repulsion = (sums.3, sums.4)
    }
}
