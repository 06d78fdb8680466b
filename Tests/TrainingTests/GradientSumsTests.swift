import Kernels
import NeuralNetworks
import Pretraining
import Tensors
import Testing

@testable import Training

/// A shard's gradient on its way through the lanes, and what has no place in them.
@Suite struct GradientSumsTests {
    /// Two blocks and a bit.
    private static let count = 2 * FixedPoint.blockSize + 5

    private static func sums(laneBits: Int) -> GradientSums {
        var list = ParameterList()
        _ = list.add("weight", shape: [count], .zeros)
        return GradientSums(
            layout: GradientLayout(
                parameters: Parameters(list, seed: 0), laneBits: laneBits, logicalShards: 2))
    }

    @Test(arguments: [32, 16]) func aSumOfShardsIsTheirMean(laneBits: Int) {
        let sums = Self.sums(laneBits: laneBits)
        #expect(sums.layout.blocks.map(\.count) == [4096, 4096, 5])
        sums.begin(exponents: [130, 130, 130])
        // Multiples of 1/16 are whole in lanes of 16 bits at this exponent.
        var gradient = (0..<Self.count).map { Float($0 % 97) / 16 }
        gradient.withNumbers { gradient in
            for _ in 0..<2 {
                sums.add(gradient, of: 0) { _ in RandomStream(seed: 1, purpose: .rounding) }
            }
        }
        // The largest are 6, and 3 in the last block.
        #expect(sums.maxima == [129, 129, 128])
        for (index, block) in sums.layout.blocks.enumerated() {
            var mean = Array(repeating: Float(-1), count: block.count)
            mean.withNumbers {
                sums.restore(index, from: sums.local, logicalShards: 2, into: $0)
            }
            #expect(mean[...] == gradient[block.range])
        }
    }

    @Test func aBlockOfAnotherSizeStops() async {
        await #expect(processExitsWith: .failure) {
            let sums = Self.sums(laneBits: 32)
            sums.begin(exponents: [1, 1, 1])
            var mean: [Float] = [0, 0]
            mean.withNumbers { sums.restore(2, from: sums.local, logicalShards: 1, into: $0) }
        }
    }

    @Test func aGradientThatIsTooShortStops() async {
        await #expect(processExitsWith: .failure) {
            let sums = Self.sums(laneBits: 32)
            sums.begin(exponents: [1, 1, 1])
            var gradient = Array(repeating: Float(1), count: FixedPoint.blockSize + 1)
            gradient.withNumbers { gradient in
                sums.add(gradient, of: 0) { _ in RandomStream(seed: 1, purpose: .rounding) }
            }
        }
    }

    @Test func aMetricThatTheMethodDoesNotListStops() async {
        await #expect(processExitsWith: .failure) {
            var numbers = [0.0]
            numbers.withNumbers { numbers in
                ShardReport([.loss], values: numbers, auxiliary: numbers.part(0..<0))[
                    Metric("unknown")] = 1
            }
        }
    }
}
