import Evaluation
import LinearAlgebra
import TestSupport
import Testing

@Suite struct BootstrapTests {
    private func scored(_ seed: UInt64, count: Int, noise: Double) throws -> ScoredRecords {
        var random = SeededRandom(seed: seed)
        let truths = (0..<count).map { [$0 % 3] }
        let scores = Matrix(
            rows: count, columns: 3,
            values: truths.flatMap { truth in
                (0..<3).map {
                    ($0 == truth[0] ? 1 : 0) + noise * Double.random(in: -1...1, using: &random)
                }
            })
        return try ScoredRecords(
            name: "test", classes: ["a", "b", "c"], scores: scores, truths: truths)
    }

    @Test func everyResampleHasEveryClassAndAsManyRecords() throws {
        // One record of the first class alone, so that a third of plain resamples would lack it.
        let rare = try ScoredRecords(
            name: "test", classes: ["rare"],
            scores: Matrix(rows: 12, columns: 1, values: (0..<12).map(Double.init)),
            truths: (0..<12).map { $0 == 4 ? [0] : [] })
        let bootstrap = try Bootstrap(200, of: rare, seed: 3)
        #expect(bootstrap.resamples.count == 200)
        #expect(bootstrap.resamples.allSatisfy { $0[4] > 0 && $0[4] < 12 })
        #expect(bootstrap.resamples.allSatisfy { $0.reduce(0, +) == 12 })
    }

    @Test func equalSeedsGiveEqualResamples() throws {
        let scored = try scored(1, count: 30, noise: 1)
        #expect(
            try Bootstrap(20, of: scored, seed: 9).resamples
                == Bootstrap(20, of: scored, seed: 9).resamples)
        #expect(
            try Bootstrap(20, of: scored, seed: 9).resamples
                != Bootstrap(20, of: scored, seed: 10).resamples)
    }

    @Test func percentilesAreInterpolated() {
        // numpy.percentile(range(101), [2.5, 97.5]) = 2.5, 97.5
        let interval = Interval(of: (0...100).map(Double.init).reversed())
        #expect(interval?.lower == 2.5 && interval?.upper == 97.5)
        #expect(Interval(of: []) == nil)
    }

    @Test func deLongAgreesWithTheBootstrap() throws {
        let (first, second) = (
            try scored(1, count: 300, noise: 1.2), try scored(2, count: 300, noise: 1.6)
        )
        let (a, b) = (try DeLong(first.ranked[0]), try DeLong(second.ranked[0]))
        expect([a.auroc], [try first.ranked[0].auroc()])
        let bootstrap = try Bootstrap(of: first, seed: 4)
        let interval = try #require(
            bootstrap.interval { first.ranked[0].auroc(counting: $0) })
        #expect(abs(interval.lower - a.interval.lower) < 0.01)
        #expect(abs(interval.upper - a.interval.upper) < 0.01)
        let paired = try #require(
            PairedDifference(
                over: bootstrap, once: first.once,
                first: { first.ranked[0].auroc(counting: $0) },
                second: { second.ranked[0].auroc(counting: $0) }))
        expect([paired.difference], [a.auroc - b.auroc])
        let width = 2 * 1.96 * a.deviationOfDifference(to: b)
        #expect(abs(paired.interval.upper - paired.interval.lower - width) < 0.02)
        #expect(a.deviationOfDifference(to: a) == 0)
    }

    @Test func aClassifierDoesNotDifferFromItself() throws {
        let scored = try scored(1, count: 60, noise: 1)
        let paired = try #require(
            PairedDifference(
                over: Bootstrap(50, of: scored, seed: 1), once: scored.once,
                first: { scored.ranked[0].auroc(counting: $0) },
                second: { scored.ranked[0].auroc(counting: $0) }))
        #expect(paired.difference == 0 && paired.pValue == 1)
    }
}
