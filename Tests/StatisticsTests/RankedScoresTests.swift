import Kernels
import Statistics
import Testing

@Suite struct RankedScoresTests {
    /// Every pair by itself: the definition, which costs the product of the sides.
    private func pairs(_ scores: [Double], _ truths: [Bool]) -> Double? {
        let inside = scores.indices.filter { truths[$0] }.map { scores[$0] }
        let others = scores.indices.filter { !truths[$0] }.map { scores[$0] }
        guard !inside.isEmpty, !others.isEmpty else { return nil }
        let right = inside.reduce(0.0) { total, score in
            others.reduce(total) { $0 + (score > $1 ? 1 : score == $1 ? 0.5 : 0) }
        }
        return right / Double(inside.count * others.count)
    }

    /// To the last bit, as the best step of a fine-tuning hangs on it.
    @Test(arguments: [1, 2, 3, 31, 200, 1000], [1, 2, 7, 1_000_000])
    func areaIsTheShareOfPairsInTheRightOrderToTheLastBit(count: Int, levels: Int) throws {
        var random = RandomStream(
            seed: UInt64(count), purpose: .sampling, step: UInt64(levels), position: 0)
        for sample in 0..<20 {
            let scores = (0..<count).map { _ in
                Double(Float(random.nextInteger(below: levels)) * 0.37 - 2)
            }
            let part = random.nextDouble()
            let truths = (0..<count).map { _ in random.nextDouble() < part }
            let ranked = try RankedScores(name: "x", scores: scores, truths: truths)
            #expect(
                ranked.auroc(counting: ranked.once)?.bitPattern
                    == pairs(scores, truths)?.bitPattern,
                "count \(count), levels \(levels), sample \(sample)")
        }
    }

    /// By hand: of 2 x 2 pairs one is right, one a tie of zeros with other signs, two are wrong.
    @Test func tiesCountOneHalf() throws {
        let ranked = try RankedScores(
            name: "x", scores: [0, 0.5, -0.0, 1], truths: [true, true, false, false])
        #expect(try ranked.auroc() == 1.5 / 4)
    }
}
