import Kernels
import Testing

struct PhiloxTests {
    /// Known answers of Random123 for philox4x32-10.
    @Test func givesThePublishedAnswers() {
        let zero = Philox.block(counter: SIMD4(repeating: 0), key: (0, 0))
        #expect(zero == SIMD4(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8))
        let ones = Philox.block(counter: SIMD4(repeating: .max), key: (.max, .max))
        #expect(ones == SIMD4(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD))
        let pi = Philox.block(
            counter: SIMD4(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344),
            key: (0xA409_3822, 0x299F_31D0))
        #expect(pi == SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1))
    }

    @Test func streamsDifferInEveryPartOfTheirName() {
        let first: [UInt32] = words(RandomStream(seed: 1, purpose: .mask, step: 7, position: 3))
        #expect(first == words(RandomStream(seed: 1, purpose: .mask, step: 7, position: 3)))
        for other in [
            RandomStream(seed: 2, purpose: .mask, step: 7, position: 3),
            RandomStream(seed: 1 << 40, purpose: .mask, step: 7, position: 3),
            RandomStream(seed: 1, purpose: .crop, step: 7, position: 3),
            RandomStream(seed: 1, purpose: .mask, step: 7 + 1 << 33, position: 3),
            RandomStream(seed: 1, purpose: .mask, step: 7, position: 4),
        ] {
            #expect(first != words(other))
        }
    }

    @Test func longerNumbersAreMadeOfWords() {
        var (words, random) = (
            RandomStream(seed: 6, purpose: .test), RandomStream(seed: 6, purpose: .test)
        )
        for _ in 0..<9 {
            let (low, high) = (UInt64(words.nextWord()), UInt64(words.nextWord()))
            #expect(random.next() == high << 32 | low)
            let double = (UInt64(words.nextWord()), UInt64(words.nextWord()))
            #expect(random.nextDouble() == Double((double.1 << 32 | double.0) >> 11) / 0x1p53)
            #expect(random.nextUniform() == Float(words.nextWord() >> 8) / 0x1p24)
        }
    }

    @Test func drawsEvenlyAndNormally() {
        var random = RandomStream(seed: 5, purpose: .test)
        let count = 200_000
        var counts = [Int](repeating: 0, count: 7)
        var (sum, squares, uniform) = (0.0, 0.0, 0.0)
        for _ in 0..<count {
            counts[random.nextInteger(below: 7)] += 1
            let normal = random.nextNormal()
            sum += normal
            squares += normal * normal
            uniform += Double(random.nextUniform())
        }
        for bin in counts { #expect(abs(Double(bin) / Double(count) - 1 / 7) < 0.005) }
        #expect(abs(sum / Double(count)) < 0.01)
        #expect(abs(squares / Double(count) - 1) < 0.02)
        #expect(abs(uniform / Double(count) - 0.5) < 0.005)
    }

    private func words(_ stream: RandomStream) -> [UInt32] {
        var stream = stream
        return (0..<9).map { _ in stream.nextWord() }
    }
}
