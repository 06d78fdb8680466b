import Kernels
import Testing

/// Normalisations against loops in double, and their backward passes against differences of these loops.
@Suite struct NormalisationTests {
    private let buffer = FencedMemory()

    private let epsilon = 1e-3

    private func mean(_ x: some Collection<Double>) -> Double { x.reduce(0, +) / Double(x.count) }

    private func variance(_ x: some Collection<Double>) -> Double {
        let middle = mean(x)
        return mean(x.map { ($0 - middle) * ($0 - middle) })
    }

    private func normalised(_ x: [Double]) -> [Double] {
        let (middle, deviation) = (mean(x), (variance(x) + epsilon).squareRoot())
        return x.map { ($0 - middle) / deviation }
    }

    @Test(arguments: Sweep.rows, Sweep.columns) func layer(rows: Int, columns: Int) {
        let x = Sweep.numbers(rows * columns, 1, around: 2)
        let (gain, shift) = (Sweep.numbers(columns, 2, around: 1), Sweep.numbers(columns, 3))
        let dy = Sweep.numbers(rows * columns, 4)
        let (source, scales) = (buffer(x), buffer(gain))
        let y = buffer(zeros: x.count)
        let statistics = buffer(zeros: 2 * rows)
        layerNormalisation(
            source.pointer, gain: scales.pointer, shift: buffer(shift).pointer,
            epsilon: Float(epsilon), rows: rows, columns: columns, into: y.pointer,
            statistics: statistics.pointer)
        let before = Sweep.numbers(x.count, 5)
        let (written, added) = (buffer(zeros: x.count), buffer(before))
        var gradients: [(FencedBuffer, FencedBuffer)] = []
        for (dx, accumulates) in [(written, false), (added, true)] {
            let (dGain, dShift) = (buffer(gain), buffer(shift))
            layerNormalisationBackward(
                buffer(dy).pointer, x: source.pointer, gain: scales.pointer,
                statistics: statistics.pointer, rows: rows, columns: columns, into: dx.pointer,
                accumulates: accumulates, dGain: dGain.pointer, dShift: dShift.pointer)
            gradients.append((dGain, dShift))
        }
        let gains = gain.map(Double.init)
        var (dGains, dShifts) = (gains, shift.map(Double.init))
        for row in 0..<rows {
            let part = row * columns..<(row + 1) * columns
            let (numbers, upstream) = (x[part].map(Double.init), dy[part].map(Double.init))
            let unit = normalised(numbers)
            let expected = unit.indices.map { unit[$0] * gains[$0] + Double(shift[$0]) }
            expectClose(Array(y.array[part]), expected, within: 2e-5)
            let dx = slopes(
                of: { x in
                    let unit = normalised(x)
                    return unit.indices.reduce(0) { $0 + upstream[$1] * gains[$1] * unit[$1] }
                }, at: numbers)
            expectClose(Array(written.array[part]), dx, within: 2e-4)
            expectClose(
                Array(added.array[part]), zip(dx, before[part]).map { $0 + Double($1) },
                within: 2e-4)
            for column in 0..<columns {
                dGains[column] += upstream[column] * unit[column]
                dShifts[column] += upstream[column]
            }
        }
        for (dGain, dShift) in gradients {
            expectClose(dGain.array, dGains, within: 1e-4)
            expectClose(dShift.array, dShifts, within: 1e-5)
        }
    }

    @Test(arguments: [1, 2, 5, 9], Sweep.lengths) func moments(rows: Int, columns: Int) {
        let x = Sweep.numbers(rows * columns, 6, around: 100)
        var (means, variances) = (
            [Double](repeating: .nan, count: columns), [Double](repeating: .nan, count: columns)
        )
        columnMoments(
            buffer(x).pointer, rows: rows, columns: columns, mean: &means,
            variance: &variances)
        for column in 0..<columns {
            let numbers = (0..<rows).map { Double(x[$0 * columns + column]) }
            #expect(abs(means[column] - mean(numbers)) < 1e-11)
            #expect(abs(variances[column] - variance(numbers)) < 1e-11)
        }
    }

    @Test(arguments: [1, 2, 5, 9], Sweep.lengths) func batch(rows: Int, columns: Int) {
        check(rows: rows, columns: columns, takesOwnStatistics: true)
        check(rows: rows, columns: columns, takesOwnStatistics: false)
    }

    private func check(rows: Int, columns: Int, takesOwnStatistics: Bool) {
        let batch = Batch(rows: rows, columns: columns, epsilon: epsilon)
        let given = (mean: Sweep.numbers(columns, 9), inverse: Sweep.numbers(columns, 10))
        let (middle, inverse) = takesOwnStatistics ? batch.statistics() : given
        let found = batch.run(mean: middle, inverse: inverse, takesOwn: takesOwnStatistics)
        for column in 0..<columns {
            let places = (0..<rows).map { $0 * columns + column }
            let numbers = places.map { Double(batch.x[$0]) }
            let upstream = places.map { Double(batch.dy[$0]) }
            func unit(_ x: [Double]) -> [Double] {
                takesOwnStatistics
                    ? normalised(x)
                    : x.map { ($0 - Double(middle[column])) * Double(inverse[column]) }
            }
            let gain = Double(batch.gain[column])
            let expected = unit(numbers).map { gain * $0 + Double(batch.shift[column]) }
            expectClose(places.map { found.y[$0] }, expected, within: 2e-5)
            let dx = slopes(
                of: { x in zip(upstream, unit(x)).reduce(0) { $0 + gain * $1.0 * $1.1 } },
                at: numbers)
            expectClose(
                places.map { found.dx[$0] }, zip(dx, places).map { $0 + Double(batch.before[$1]) },
                within: 5e-4)
            let products = zip(upstream, unit(numbers)).map { $0 * $1 }
            expectClose([found.sums[column]], [upstream.reduce(0, +)], within: 1e-5)
            expectClose([found.products[column]], [products.reduce(0, +)], within: 2e-4)
        }
    }
}

/// A batch normalisation of random numbers, forward and back, as the operation on the tape calls the kernels.
private struct Batch {
    private let buffer = FencedMemory()
    let rows: Int
    let columns: Int
    let epsilon: Double
    let x: [Float]
    let dy: [Float]
    let gain: [Float]
    let shift: [Float]
    let before: [Float]

    init(rows: Int, columns: Int, epsilon: Double) {
        (self.rows, self.columns, self.epsilon) = (rows, columns, epsilon)
        x = Sweep.numbers(rows * columns, 11, around: 1)
        dy = Sweep.numbers(rows * columns, 12)
        (gain, shift) = (Sweep.numbers(columns, 13, around: 1), Sweep.numbers(columns, 14))
        before = Sweep.numbers(rows * columns, 15)
    }

    func statistics() -> (mean: [Float], inverse: [Float]) {
        var (means, variances) = (
            [Double](repeating: 0, count: columns), [Double](repeating: 0, count: columns)
        )
        columnMoments(x, rows: rows, columns: columns, mean: &means, variance: &variances)
        return (
            means.map { Float($0) }, variances.map { Float(1 / ($0 + epsilon).squareRoot()) }
        )
    }

    func run(
        mean: [Float], inverse: [Float], takesOwn: Bool
    ) -> (y: [Float], dx: [Float], sums: [Float], products: [Float]) {
        let (source, upstream) = (buffer(x), buffer(dy))
        let (middle, scales, gains) = (
            buffer(mean), buffer(inverse), buffer(gain)
        )
        let (y, dx) = (buffer(zeros: x.count), buffer(before))
        let (sums, products) = (buffer(zeros: columns), buffer(zeros: columns))
        normaliseColumns(
            source.pointer, mean: middle.pointer, inverse: scales.pointer, gain: gains.pointer,
            shift: buffer(shift).pointer, rows: rows, columns: columns, into: y.pointer)
        addNormalisedColumnSums(
            upstream.pointer, x: source.pointer, mean: middle.pointer, inverse: scales.pointer,
            rows: rows, columns: columns, sums: sums.pointer, products: products.pointer)
        let share: Float = takesOwn ? 1 / Float(rows) : 0
        addNormaliseColumnsBackward(
            upstream.pointer, x: source.pointer, mean: middle.pointer, inverse: scales.pointer,
            gain: gains.pointer, a: buffer(sums.array.map { $0 * share }).pointer,
            b: buffer(products.array.map { $0 * share }).pointer, rows: rows,
            columns: columns, into: dx.pointer)
        return (y.array, dx.array, sums.array, products.array)
    }
}
