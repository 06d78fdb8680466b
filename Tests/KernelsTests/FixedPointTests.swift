import Kernels
import Testing

struct FixedPointTests {
    private let buffer = FencedMemory()

    @Test(arguments: [0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 4096], [UInt64(1), 2, 3])
    func exponentBoundsEveryMagnitude(count: Int, seed: UInt64) {
        let x = numbers(count, seed: seed)
        let exponent = self.exponent(x)
        let largest = x.map(abs).max() ?? 0
        #expect(largest.exponentBitPattern == UInt(exponent))
    }

    @Test(arguments: [1, 7, 8, 16, 17, 33]) func exponentIsThatOfTheLargestAtEveryPlace(count: Int)
    {
        for place in 0..<count {
            var x = numbers(count, seed: 6)
            x[place] = -12
            #expect(exponent(x) == UInt8(Float(12).exponentBitPattern), "place \(place)")
        }
    }

    @Test func specialNumbersHaveTheirOwnExponents() {
        #expect(exponent([0, -0, .leastNonzeroMagnitude]) == 0)
        #expect(exponent([1, .nan, 2]) == 255)
        #expect(exponent([1, -.infinity]) == 255)
    }

    @Test(arguments: [28, 25, 31 - 6])
    func roundsAsADoubleLoopDoes(bits: Int) {
        let x = numbers(4096, seed: 9)
        var sums = [Int32](repeating: 0, count: x.count)
        let exponent = Int(exponent(x))
        let scale = FixedPoint.scale(exponent: exponent, bits: bits)
        for _ in 0..<2 {
            FixedPoint.accumulate(x, scale: scale, bits: bits, count: x.count, into: &sums)
        }
        for i in x.indices {
            let rounded = (Double(x[i]) * scale).rounded(.toNearestOrEven)
            #expect(Int(sums[i]) == 2 * Int(max(-limit(bits), min(limit(bits), rounded))))
        }
    }

    @Test(arguments: [0, 1, 7, 8, 31, 32, 33])
    func addsAndRestoresEveryLength(count: Int) {
        let x = buffer(numbers(count, seed: 8))
        let exponent = FixedPoint.exponent(of: x.pointer, count: count)
        let scale = FixedPoint.scale(exponent: Int(exponent), bits: 20)
        var sums = [Int32](repeating: 5, count: count + 1)
        FixedPoint.accumulate(x.pointer, scale: scale, bits: 20, count: count, into: &sums)
        let y = buffer(zeros: count)
        FixedPoint.restore(sums, factor: Float(1 / scale), count: count, into: y.pointer)
        // Half a unit of rounding, and the five that were there.
        for (before, after) in zip(x.array, y.array) {
            #expect(abs((Double(after) - Double(before)) * scale - 5) <= 0.5)
        }
        #expect(sums[count] == 5)
        var random = RandomStream(seed: 4, purpose: .test)
        var lanes = [Int16](repeating: -3, count: count + 1)
        FixedPoint.accumulateStochastically(
            x.pointer, scale: FixedPoint.scale(exponent: Int(exponent), bits: 9), bits: 9,
            count: count, random: &random, into: &lanes)
        for (number, lane) in zip(x.array, lanes) {
            let exact = Double(number) * FixedPoint.scale(exponent: Int(exponent), bits: 9)
            #expect(abs(Double(lane) + 3 - exact) <= 1)
        }
        #expect(lanes[count] == -3)
    }

    @Test func clampsWhatDoesNotFit() {
        let x: [Float] = [8, -8, 1, 0.5]
        var sums = [Int32](repeating: 0, count: 4)
        FixedPoint.accumulate(
            x, scale: FixedPoint.scale(exponent: 127, bits: 10), bits: 10, count: 4, into: &sums)
        #expect(sums == [1023, -1023, 512, 256])
    }

    @Test func stochasticRoundingIsUnbiased() {
        let x = [Float](repeating: 0.3, count: 4096)
        var sums = [Int16](repeating: 0, count: x.count)
        var random = RandomStream(seed: 4, purpose: .test)
        FixedPoint.accumulateStochastically(
            x, scale: 1, bits: 8, count: x.count, random: &random, into: &sums)
        #expect(Set(sums) == [0, 1])
        let mean = Double(sums.reduce(0) { $0 + Int($1) }) / Double(sums.count)
        #expect(abs(mean - 0.3) < 0.03)
    }

    private func exponent(_ x: [Float]) -> UInt8 { FixedPoint.exponent(of: x, count: x.count) }

    private func limit(_ bits: Int) -> Double { Double((1 << bits) - 1) }

    private func numbers(_ count: Int, seed: UInt64) -> [Float] {
        var random = RandomStream(seed: seed, purpose: .test)
        return (0..<count).map { _ in Float(random.nextNormal() * 1e-3) }
    }
}
