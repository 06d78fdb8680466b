import Configurations
import Kernels
import NeuralNetworks
import Pretraining
import Testing

/// Masks as the published code draws them.
struct ColumnMaskTests {
    /// How often each patch is masked, and the sizes of the masks, over many draws.
    private func draws(
        _ rule: ColumnMaskRule, columns: Int, count: Int
    ) -> (shares: [Double], sizes: [Int]) {
        let tape = Tape(parameters: Parameters(ParameterList(), seed: 0))
        defer { withExtendedLifetime(tape) {} }
        var (hits, sizes) = (Array(repeating: 0, count: columns), [Int]())
        for step in 0..<count {
            tape.reset()
            var random = RandomStream(seed: 1, purpose: .mask, step: UInt64(step))
            let mask = ColumnMask(drawnBy: rule, columns: columns, random: &random, on: tape)
            let order = (0..<columns).map { Int(mask.order[$0]) }
            #expect(order.sorted() == Array(0..<columns))
            #expect(order[..<mask.visible] == order[..<mask.visible].sorted()[...])
            #expect(Array(order[mask.visible...]) == order[mask.visible...].sorted())
            for patch in order[mask.visible...] { hits[patch] += 1 }
            sizes.append(mask.masked)
        }
        return (hits.map { Double($0) / Double(count) }, sizes)
    }

    @Test func blocksMaskAsManyPatchesAsPublishedAndNeverTheLast() {
        let (shares, sizes) = draws(.block(reachesEnd: false), columns: 50, count: 4000)
        let mean = Double(sizes.reduce(0, +)) / Double(sizes.count)
        #expect(abs(mean - 27.4) < 0.3)
        #expect(sizes.allSatisfy { (8...44).contains($0) })
        #expect(shares[49] == 0)
        #expect(abs(shares[0] - 0.095) < 0.02)
        #expect(abs(shares[25] - 0.66) < 0.03)
    }

    @Test func blocksReachTheEndWhereAskedTo() {
        let (shares, _) = draws(.block(reachesEnd: true), columns: 50, count: 4000)
        #expect(abs(shares[49] - shares[0]) < 0.03)
        #expect(shares[49] > 0.05)
    }

    @Test func randomMasksTakeEveryPatchAlike() {
        let (shares, sizes) = draws(.random, columns: 50, count: 4000)
        #expect(sizes.min() == 30 && sizes.max() == 34)
        let mean = Double(sizes.reduce(0, +)) / Double(sizes.count) / 50
        #expect(shares.allSatisfy { abs($0 - mean) < 0.04 })
    }

    @Test(arguments: [ColumnMaskRule.block(reachesEnd: false), .block(reachesEnd: true), .random])
    func someAreMaskedAndSomeAreNotWithFewPatches(rule: ColumnMaskRule) {
        for columns in ECGJEPAConfiguration.patchesMin...12 {
            let (_, sizes) = draws(rule, columns: columns, count: 50)
            #expect(sizes.allSatisfy { (1..<columns).contains($0) }, "\(columns) patches")
        }
    }

    @Test(arguments: [ColumnMaskRule.block(reachesEnd: false), .block(reachesEnd: true), .random])
    func momentsAreThoseOfManyDraws(rule: ColumnMaskRule) {
        for columns in [10, 50] {
            let visible = draws(rule, columns: columns, count: 6000).sizes.map {
                Double(columns - $0)
            }
            let mean = visible.reduce(0, +) / 6000
            let square = visible.reduce(0) { $0 + $1 * $1 } / 6000
            let moments = rule.visibleMoments(columns: columns)
            #expect(abs(moments.mean - mean) < 0.02 * mean)
            #expect(abs(moments.square - square) < 0.03 * square)
        }
    }
}
