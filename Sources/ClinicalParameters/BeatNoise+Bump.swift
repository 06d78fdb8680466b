extension BeatNoise {
    /// How far a bump stands out, in units of the noise, and the most that the same search finds in noise alone.
    struct Evidence {
        typealias Measure = (found: Float, needed: Float)

        /// The rise over both sides, of all leads together.
        var rise: Measure
        /// The fall to the side where it is smaller, along the direction of the bump.
        var smallerFall: Measure
        /// The fall to the later side, along the direction of the bump.
        var fallAfter: Measure

        /// The bump comes and goes.
        var isWave: Bool { rise.found > rise.needed && smallerFall.found > smallerFall.needed }
        /// The bump goes, from a place that is hardly lower, as T does from an elevated ST segment.
        var isEndOfWave: Bool {
            rise.found > rise.needed && fallAfter.found > fallAfter.needed
                && smallerFall.found > 0.5 * smallerFall.needed
        }
    }

    /// Noise below this, in mV, is that of rounded samples.
    private static let leastMillivolts: Float = 0.0005
    /// How many deviations above its mean the largest of many values lies in 1 of 1,000 cases, by Gumbel's distribution.
    private static let gumbelQuantile: Float = 4.94
    /// The same in 1 of 20: a single beat's noise is larger, and one beat with a wrong T says little of the record.
    private static let gumbelQuantileOfOneBeat: Float = 1.87
    /// Curves from two or three beats resemble each other; the largest values of independent ones scatter by at least this
    /// part of their mean.
    private static let leastScatter: Float = 0.13
    /// Noise is taken to be even over this many places before and after each: 64 ms.
    private static let evenReach = 16

    /// Compares a bump with what the same search finds in noise alone in 999 of 1,000 records.
    ///
    /// Each lead counts in units of its own noise at the place, so that one with a loose electrode, or the place where the
    /// next beat may already begin, does not hide the others. A tail of QRS rises from one side only: what it falls to the
    /// other side is noise, and is compared with noise along the tail's own direction.
    func evidence(of bump: Bump, _ search: BumpSearch, in beat: MedianBeat) -> Evidence {
        let first = (search.range.lowerBound + Self.step - 1) / Self.step
        let places = first...max(first, search.range.upperBound / Self.step)
        let at = min(max(bump.peak / Self.step, places.lowerBound), places.upperBound) - first
        let sides = leads.indices.map { falls($0, places, search) }
        let noise = sides.map { evenNoise($0, places.count) }
        let own = leads.map { bump.falls(beat.smooth[$0], search) }
        let units = noise.map { 1 / $0[at].squareRoot() }
        var sum: Float = 0
        for (own, unit) in zip(own, units) {
            let rise = unit * (own.before + own.after) / 2
            sum += rise * rise
        }
        let height = max(sum.squareRoot(), .leastNormalMagnitude)
        var found = (before: Float(0), after: Float(0))
        let direction = zip(own, units).map { own, unit in
            unit * (own.before + own.after) / 2 / height
        }
        for (i, own) in own.enumerated() {
            found.before += direction[i] * units[i] * own.before
            found.after += direction[i] * units[i] * own.after
        }
        let isOneBeat = beat.places.count == 1
        let quantile = isOneBeat ? Self.gumbelQuantileOfOneBeat : Self.gumbelQuantile
        let weight = search.weight(bump.peak) / (isOneBeat ? ofOneBeat : 1)
        let weights = places.map { search.weight($0 * Self.step) }
        let largest = largest(sides, noise, direction, weights)
        return Evidence(
            rise: (height * weight, limit(largest.rises, quantile)),
            smallerFall: (
                min(found.before, found.after) * weight, limit(largest.smallerFalls, quantile)
            ),
            fallAfter: (found.after * weight, limit(largest.fallsAfter, quantile)))
    }

    /// What the search finds in each curve.
    private func largest(
        _ sides: [[SIMD2<Float>]], _ noise: [[Float]], _ direction: [Float], _ weights: [Float]
    ) -> (rises: [Float], smallerFalls: [Float], fallsAfter: [Float]) {
        let count = weights.count
        var rises = [Float](repeating: 0, count: Self.curveCount)
        var (smallerFalls, fallsAfter) = (rises, rises)
        let total = Self.curveCount * count
        var sizes = [Float](repeating: 0, count: total)
        var along = [SIMD2<Float>](repeating: .zero, count: total)
        for lead in leads.indices {
            let units = noise[lead].map { 1 / $0.squareRoot() }
            let part = direction[lead]
            sides[lead].withUnsafeBufferPointer { sides in
                for curve in 0..<Self.curveCount {
                    for i in 0..<count {
                        let at = curve * count + i
                        let side = sides[at] * units[i]
                        let rise = (side.x + side.y) / 2
                        sizes[at] += rise * rise
                        along[at] += part * side
                    }
                }
            }
        }
        for curve in 0..<Self.curveCount {
            var most = SIMD4<Float>()
            for i in 0..<count {
                let side = along[curve * count + i]
                let smaller = side.x < side.y ? side.x : side.y
                let values = weights[i] * SIMD4(sizes[curve * count + i], smaller, side.y, 0)
                // Sizes are squares still.
                let weighted = SIMD4(values.x * weights[i], values.y, values.z, 0)
                most.replace(with: weighted, where: weighted .> most)
            }
            (rises[curve], smallerFalls[curve], fallsAfter[curve]) = (
                most.x.squareRoot(), most.y, most.z
            )
        }
        return (rises, smallerFalls, fallsAfter)
    }

    /// What the largest values of curves stay below in all but few cases.
    private func limit(_ largest: [Float], _ quantile: Float) -> Float {
        let mean = largest.reduce(0, +) / Float(largest.count)
        let squares = largest.reduce(Float(0)) { $0 + ($1 - mean) * ($1 - mean) }
        let scatter = (squares / Float(largest.count - 1)).squareRoot()
        return allowance * (mean + quantile * max(scatter, Self.leastScatter * mean))
    }

    /// How far one lead falls to both sides of some places of all curves.
    private func falls(
        _ lead: Int, _ places: ClosedRange<Int>, _ search: BumpSearch
    ) -> [SIMD2<Float>] {
        let feet = places.map { place in
            let (before, after) = search.feet(of: place * Self.step)
            return (
                before: before / Self.step, after: min(after / Self.step, Self.sampleCount - 1)
            )
        }
        let first = places.lowerBound
        return .init(unsafeUninitializedCapacity: Self.curveCount * feet.count) { result, filled in
            for number in 0..<Self.curveCount {
                curve(number, lead).withUnsafeBufferPointer { curve in
                    for i in feet.indices {
                        result[number * feet.count + i] =
                            curve[first + i] - SIMD2(curve[feet[i].before], curve[feet[i].after])
                    }
                }
            }
            filled = Self.curveCount * feet.count
        }
    }

    /// The mean square of the rise at each place, over all curves and the places around.
    private func evenNoise(_ sides: [SIMD2<Float>], _ count: Int) -> [Float] {
        var means = [Float](repeating: 0, count: count)
        for curve in 0..<Self.curveCount {
            for i in 0..<count {
                let rise = sides[curve * count + i].sum() / 2
                means[i] += rise * rise
            }
        }
        return (0..<count).map { i in
            let near = max(0, i - Self.evenReach)...min(count - 1, i + Self.evenReach)
            let mean = means[near].reduce(0, +) / Float(near.count * Self.curveCount)
            return max(mean, Self.leastMillivolts * Self.leastMillivolts)
        }
    }
}
