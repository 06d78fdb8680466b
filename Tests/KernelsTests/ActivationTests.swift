import Foundation
import Kernels
import Testing

/// Activations and their slopes against the C library's functions in double, and against differences of them.
@Suite struct ActivationTests {
    private let buffer = FencedMemory()

    /// The normal distribution function; the kernel's polynomial is off by at most 1e-7.
    private func cumulative(_ x: Double) -> Double { 0.5 * erfc(-x / 2.squareRoot()) }

    @Test(arguments: Sweep.rows, Sweep.lengths) func gelu(rows: Int, columns: Int) {
        let x = Sweep.numbers(rows * columns, 1).map { 2 * $0 }
        let bias = Sweep.numbers(columns, 2)
        let (source, y) = (buffer(x), buffer(zeros: x.count))
        biasGELU(
            source.pointer, bias: buffer(bias).pointer, rows: rows, columns: columns,
            into: y.pointer)
        let places = x.indices.map { Double(x[$0] + bias[$0 % columns]) }
        let function = { (x: Double) in x * self.cumulative(x) }
        expectClose(y.array, places.map(function), within: 2e-6)
        let expected = places.map { (function($0 + 1e-5) - function($0 - 1e-5)) / 2e-5 }
        expectClose(source.array, expected, within: 2e-6)
    }

    @Test(arguments: Sweep.rows, Sweep.lengths)
    func multiplicationByADerivative(rows: Int, columns: Int) {
        let (dy, slope) = (
            Sweep.numbers(rows * columns, 3), Sweep.numbers(rows * columns, 4)
        )
        let before = Sweep.numbers(columns, 5)
        let (gradient, dBias) = (buffer(dy), buffer(before))
        multiplyByDerivative(
            gradient.pointer, derivative: buffer(slope).pointer, rows: rows,
            columns: columns, dBias: dBias.pointer)
        let products = zip(dy, slope).map { Double($0) * Double($1) }
        expectClose(gradient.array, products.map { Double(Float($0)) }, within: 0)
        let sums = (0..<columns).map { column in
            (0..<rows).reduce(Double(before[column])) { $0 + products[$1 * columns + column] }
        }
        expectClose(dBias.array, sums, within: 1e-5)
    }

    private func softmax(_ x: [Double], scale: Double) -> [Double] {
        let largest = x.max() ?? 0
        let exponentials = x.map { exp(($0 - largest) * scale) }
        let total = exponentials.reduce(0, +)
        return exponentials.map { $0 / total }
    }

    @Test(arguments: Sweep.rows, Sweep.columns) func softmaxAndItsGradient(rows: Int, columns: Int)
    {
        let scale = Float(0.7)
        let x = Sweep.numbers(rows * columns, 6).map { 3 * $0 }
        let dp = Sweep.numbers(rows * columns, 7)
        let (p, gradient) = (buffer(x), buffer(dp))
        softmaxRows(p.pointer, scale: scale, rows: rows, columns: columns)
        softmaxRowsBackward(
            gradient.pointer, probabilities: p.pointer, scale: scale, rows: rows, columns: columns)
        for row in 0..<rows {
            let part = row * columns..<(row + 1) * columns
            let numbers = x[part].map(Double.init)
            expectClose(
                Array(p.array[part]), softmax(numbers, scale: Double(scale)), within: 2e-6)
            let upstream = dp[part].map(Double.init)
            let expected = slopes(
                of: { x in
                    zip(softmax(x, scale: Double(scale)), upstream).reduce(0) { $0 + $1.0 * $1.1 }
                }, at: numbers)
            expectClose(Array(gradient.array[part]), expected, within: 5e-6)
        }
    }

    @Test(arguments: Sweep.rows, Sweep.columns)
    func softmaxLeavesOutInfinityAndGivesLogarithms(rows: Int, columns: Int) {
        let scale = Float(10)
        var x = Sweep.numbers(rows * columns, 8)
        for index in x.indices where index % columns % 3 == 1 { x[index] = -.infinity }
        let p = buffer(x)
        var logarithms = [Double](repeating: .nan, count: rows)
        softmaxRows(
            p.pointer, scale: scale, rows: rows, columns: columns, logarithms: &logarithms)
        for row in 0..<rows {
            let part = row * columns..<(row + 1) * columns
            let numbers = x[part].map(Double.init)
            expectClose(
                Array(p.array[part]), softmax(numbers, scale: Double(scale)), within: 4e-6)
            let expected = log(numbers.reduce(0) { $0 + exp(Double(scale) * $1) })
            #expect(abs(logarithms[row] - expected) < 4e-6)
            for index in part where x[index] == -.infinity { #expect(p.array[index] == 0) }
        }
    }

    @Test func softmaxOfNumbersFarApartIsOneAndNothing() {
        let p = buffer([1000, -1000, 999.5, -.greatestFiniteMagnitude])
        softmaxRows(p.pointer, scale: 1, rows: 1, columns: 4)
        expectClose(
            p.array, [1 / (1 + exp(-0.5)), 0, exp(-0.5) / (1 + exp(-0.5)), 0], within: 1e-6)
    }

    @Test(arguments: Sweep.lengths) func reluAndItsGradient(count: Int) {
        var x = Sweep.numbers(count, 9)
        if count > 2 { x[2] = 0 }
        let (y, dy) = (buffer(zeros: count), buffer(Sweep.numbers(count, 10)))
        let before = dy.array
        relu(buffer(x).pointer, count: count, into: y.pointer)
        #expect(y.array == x.map { max($0, 0) })
        reluBackward(dy.pointer, result: y.pointer, count: count)
        #expect(dy.array == zip(x, before).map { $0 > 0 ? $1 : 0 })
    }

    @Test(arguments: Sweep.lengths) func hyperbolicTangent(count: Int) {
        let x = Sweep.numbers(count, 11).map { 4 * $0 }
        let (source, y) = (buffer(x), buffer(zeros: count))
        hyperbolicTangents(source.pointer, into: y.pointer, count: count)
        expectClose(y.array, x.map { tanh(Double($0)) }, within: 3e-7)
        hyperbolicTangents(source.pointer, into: source.pointer, count: count)
        #expect(source.array == y.array)
        for value in x.map(Double.init) {
            #expect(abs(ElementaryFunctions.hyperbolicTangent(value) - tanh(value)) < 1e-15)
            let share = tanh(value / 4)
            #expect(
                abs(ElementaryFunctions.inverseHyperbolicTangent(share) - atanh(share)) < 1e-13)
            #expect(
                abs(
                    ElementaryFunctions.power(abs(value) + 0.1, value)
                        - pow(abs(value) + 0.1, value))
                    <= 1e-13 * pow(abs(value) + 0.1, value))
        }
    }

    @Test(arguments: Sweep.lengths) func smoothL1LossAndItsSlopes(count: Int) {
        let (x, target) = (Sweep.numbers(count, 12).map { 2 * $0 }, Sweep.numbers(count, 13))
        let found = buffer(zeros: count)
        let total = smoothL1(
            buffer(x).pointer, target: buffer(target).pointer, count: count,
            slopes: found.pointer)
        func loss(_ difference: Double) -> Double {
            abs(difference) < 1 ? 0.5 * difference * difference : abs(difference) - 0.5
        }
        let differences = zip(x, target).map { Double($0) - Double($1) }
        let expected = differences.map(loss).reduce(0, +)
        #expect(abs(Double(total) - expected) <= Double(count + 4) * Sweep.rounding * expected)
        let expectedSlopes = differences.map { (loss($0 + 1e-5) - loss($0 - 1e-5)) / 2e-5 }
        expectClose(found.array, expectedSlopes, within: 1e-5)
    }
}
