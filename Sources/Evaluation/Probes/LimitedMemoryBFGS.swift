/// Minimises a smooth convex function of many variables.
///
/// L-BFGS (Nocedal, 1980) whose first inverse Hessian is the caller's. With a good one, a few dozen steps reach the last
/// digits. No random numbers, no clock: equal inputs take equal steps.
struct LimitedMemoryBFGS {
    /// Steps that are remembered.
    var memory = 20
    /// Steps after which it gives up.
    var maximumSteps = 2000
    /// It ends where the gradient promises a smaller decrease than this, as a share of 1 + |value|: nearer to the lowest
    /// point, the rounding of sums over thousands of records hides which of two points is the lower one.
    var tolerance = 1e-13
    /// Shorter and shorter steps that are tried before it counts as arrived.
    var maximumHalvings = 12

    /// What was found.
    struct Outcome {
        /// Where the function is lowest.
        var point: [Double]
        /// The function there.
        var value: Double
        /// Steps that were taken.
        var steps: Int
        /// Whether the gradient vanished before the steps ran out.
        var isConverged: Bool
    }

    /// Minimises.
    ///
    /// - Parameters:
    ///   - start: Where to begin.
    ///   - precondition: A symmetric positive definite map that is near the inverse Hessian.
    ///   - evaluate: The value and the gradient at a point.
    /// - Returns: The lowest point.
    func minimise(
        from start: [Double], precondition: ([Double]) -> [Double],
        evaluate: ([Double]) -> (value: Double, gradient: [Double])
    ) -> Outcome {
        var point = start
        var (value, gradient) = evaluate(point)
        var pairs: [(step: [Double], change: [Double], curvature: Double)] = []
        for step in 0..<maximumSteps {
            var direction = self.direction(gradient, pairs: pairs, precondition: precondition)
            var slope = dot(direction, gradient)
            if slope >= 0 {
                // Rounding has spoilt the memory: begin again from the caller's Hessian.
                pairs = []
                direction = precondition(gradient).map(-)
                slope = dot(direction, gradient)
            }
            guard -slope > tolerance * (1 + abs(value)) else {
                return Outcome(point: point, value: value, steps: step, isConverged: true)
            }
            var length = 1.0
            var next = moved(point, along: direction, by: length)
            var found = evaluate(next)
            var halvings = 0
            while !(found.value <= value + 1e-4 * length * slope), halvings < maximumHalvings {
                // The parabola through what is known, within a tenth and a half of the last length.
                let bend = 2 * (found.value - value - length * slope)
                let best = bend > 0 ? -slope * length * length / bend : length / 2
                length = max(length / 10, min(length / 2, best))
                next = moved(point, along: direction, by: length)
                found = evaluate(next)
                halvings += 1
            }
            guard found.value <= value else {
                // No lower point can be told apart any more.
                return Outcome(point: point, value: value, steps: step, isConverged: true)
            }
            let change = zip(found.gradient, gradient).map(-)
            let taken = direction.map { $0 * length }
            let curvature = dot(taken, change)
            if curvature > 0 {
                pairs.append((taken, change, curvature))
                if pairs.count > memory { pairs.removeFirst() }
            }
            (point, value, gradient) = (next, found.value, found.gradient)
        }
        return Outcome(point: point, value: value, steps: maximumSteps, isConverged: false)
    }

    /// The two loops over remembered steps.
    private func direction(
        _ gradient: [Double], pairs: [(step: [Double], change: [Double], curvature: Double)],
        precondition: ([Double]) -> [Double]
    ) -> [Double] {
        var q = gradient
        var factors: [Double] = []
        for pair in pairs.reversed() {
            let factor = dot(pair.step, q) / pair.curvature
            factors.append(factor)
            add(pair.change, times: -factor, to: &q)
        }
        q = precondition(q)
        for (pair, factor) in zip(pairs, factors.reversed()) {
            let other = dot(pair.change, q) / pair.curvature
            add(pair.step, times: factor - other, to: &q)
        }
        return q.map(-)
    }

    private func moved(_ point: [Double], along direction: [Double], by length: Double) -> [Double]
    {
        var result = point
        add(direction, times: length, to: &result)
        return result
    }

    private func add(_ x: [Double], times factor: Double, to y: inout [Double]) {
        for i in y.indices { y[i] += factor * x[i] }
    }
}

func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in a.indices { sum += a[i] * b[i] }
    return sum
}
