import Foundation
import Kernels
import Testing

/// Noise from the table of quantiles.
@Suite struct NormalTableTests {
    private let buffer = FencedMemory()

    @Test(arguments: Sweep.lengths) func everyHalfOfAWordGivesAQuantile(count: Int) {
        let before = Sweep.numbers(count, 1)
        let signal = buffer(before)
        var (random, words) = (
            RandomStream(seed: 4, purpose: .test), RandomStream(seed: 4, purpose: .test)
        )
        NormalTable.shared.addNoise(
            deviation: 0.5, random: &random, to: signal.pointer, count: count)
        let halves = (0..<(count + 1) / 2).flatMap { _ -> [UInt32] in
            let word = words.nextWord()
            return [word & 0xFFFF, word >> 16]
        }
        // An odd last number takes a word's upper half.
        let used = count % 2 == 0 ? halves : halves.dropLast(2) + halves.suffix(1)
        for (index, half) in used.enumerated() {
            // From the largest down: the number that is exceeded with this probability.
            let probability = (Double(half) + 0.5) / 65_536
            let noise = (Double(signal.array[index]) - Double(before[index])) / 0.5
            #expect(abs(0.5 * erfc(noise / 2.squareRoot()) - probability) < 2e-4)
        }
        #expect(random.nextWord() == words.nextWord())
    }
}
