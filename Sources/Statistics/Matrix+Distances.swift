import LinearAlgebra

extension Matrix {
    /// Refuses features that are NaN or infinite.
    ///
    /// - Throws: `MetricError.notFinite` for the first such row.
    public func requireFinite() throws(MetricError) {
        guard let place = values.firstIndex(where: { !$0.isFinite }) else { return }
        throw .notFinite(what: "features", row: place / columns, value: values[place])
    }
}

/// The sum of squared differences, in four chains.
///
/// - Precondition: Both have as many numbers.
public func squaredDistance(_ a: ArraySlice<Double>, _ b: ArraySlice<Double>) -> Double {
    a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
            var sums = SIMD4<Double>()
            var i = 0
            while i &+ 4 <= a.count {
                let x = SIMD4(a[i], a[i &+ 1], a[i &+ 2], a[i &+ 3])
                let difference = x - SIMD4(b[i], b[i &+ 1], b[i &+ 2], b[i &+ 3])
                sums += difference * difference
                i &+= 4
            }
            var total = sums.sum()
            while i < a.count {
                total += (a[i] - b[i]) * (a[i] - b[i])
                i &+= 1
            }
            return total
        }
    }
}
