import Electrocardiography
import Kernels
import NeuralNetworks
import Pretraining
import TestSupport
import Testing

/// Losses over a batch against central differences, and cut into shards.
struct ContrastiveLossTests {
    private let bound = 5e-3

    @Test func ntXent() {
        #expect(
            gradientError(shapes: [[8, 5]], step: 3e-3) { tape, v in
                let rows = tape.l2Normalised(v[0])
                return tape.ntXent(rows, in: EmbeddingBatch(whole: rows), temperature: 0.5).value
            } < bound)
    }

    @Test(arguments: [CMSCTerms.four, .two], [[0, 1, 2, 3], [0, 1, 0, 0], [7]])
    func cmsc(terms: CMSCTerms, patients: [Int]) {
        #expect(
            gradientError(shapes: [[2 * patients.count, 5]], step: 3e-3) { tape, v in
                let rows = tape.l2Normalised(v[0])
                return tape.cmsc(
                    rows, in: EmbeddingBatch(whole: rows), patients: patients, terms: terms,
                    temperature: 0.5
                ).value
            } < bound)
    }

    @Test func infoNCE() {
        let (samples, time, horizons, count) = (2, 5, 3, 4)
        var random = RandomStream(seed: 2, purpose: .test)
        let negatives = (0..<horizons * samples * time * count).map { _ in
            Int32(random.nextInteger(below: samples * time))
        }
        #expect(
            gradientError(shapes: [[samples * time, horizons * 4], [samples * time, 4]]) {
                tape, v in
                tape.infoNCE(
                    predictions: v[0], latents: v[1], time: time,
                    negatives: tape.numbers(negatives), count: count
                ).value
            } < bound)
        #expect(
            gradientError(shapes: [[4 * 3, 5], [4 * 3, 5]]) { tape, v in
                tape.infoNCE(
                    latents: v[0], predictions: v[1],
                    in: interleaved(v[0], v[1], horizons: 3, on: tape), horizons: 3
                ).value
            } < bound)
    }

    @Test(arguments: TripletDistance.allCases, TripletMining.allCases)
    func triplets(distance: TripletDistance, mining: TripletMining) {
        let classes = TripletClasses(labels: [0, 1, 0, 1, 2, 0, -1, 2])
        // The triplets are mined once: a step that makes another one the hardest is a kink.
        var mined: [Triplet] = []
        #expect(
            gradientError(shapes: [[8, 3]], seed: 4, step: 1e-3) { tape, v in
                if mined.isEmpty {
                    mined = mining.triplets(
                        classes,
                        distance: { distance(v[0].row($0), v[0].row($1)) },
                        random: { RandomStream(seed: 1, purpose: .test, position: UInt32($0)) })
                }
                return tape.tripletLoss(
                    v[0], in: EmbeddingBatch(whole: v[0]), triplets: mined, distance: distance,
                    margin: 0.5
                ).value
            } < 2 * bound)
        #expect(!mined.isEmpty)
    }

    /// A loss over a batch of rows of which a shard owns some.
    private enum Kind: CaseIterable { case ntXent, cmsc, infoNCE, triplet }

    @Test(arguments: [1, 2, 4])
    func shardsFindTheGradientOfTheWhole(shards: Int) {
        let (samples, width) = (8, 6)
        for kind in Kind.allCases {
            let rowsPerSample = kind == .infoNCE ? 4 : 2
            var random = RandomStream(seed: 9, purpose: .test)
            let rows = (0..<samples * rowsPerSample * width).map { _ in Float(random.nextNormal()) }
            let whole = gradient(kind, rows, width, rowsPerSample, shards: 1)
            let cut = gradient(kind, rows, width, rowsPerSample, shards: shards)
            #expect(abs(whole.loss - cut.loss) < 1e-12)
            let expected = GoldenTensor(shape: [], doubles: whole.gradient.map(Double.init))
            #expect(relativeError(cut.gradient, expected) < 1e-6)
        }
    }

    /// Loss and gradient of all rows, put together from shards; each shard's gradient over their number.
    private func gradient(
        _ kind: Kind, _ rows: [Float], _ width: Int, _ rowsPerSample: Int, shards: Int
    ) -> (loss: Double, gradient: [Float]) {
        let share = rows.count / width / shards
        var (loss, gradient) = (0.0, [Float]())
        for shard in 0..<shards {
            let own = shard * share..<(shard + 1) * share
            let part = rows[own.lowerBound * width..<own.upperBound * width].map(Double.init)
            let graph = TestGraph([("own", GoldenTensor(shape: [share, width], doubles: part))])
            let found = graph.run(cotangent: [1]) { tape, v in
                let batch = EmbeddingBatch(
                    rows: tape.matrix(rows, columns: width), own: own,
                    gradientFactor: Double(shards))
                return value(kind, v[0], batch, rowsPerSample, on: tape)
            }[0]
            loss += Double(found) / Double(shards)
            gradient += graph.gradient("own").map { $0 / Float(shards) }
        }
        return (loss, gradient)
    }

    private func value(
        _ kind: Kind, _ own: Value, _ batch: EmbeddingBatch, _ rowsPerSample: Int, on tape: Tape
    ) -> Value {
        switch kind {
        case .ntXent: return tape.ntXent(own, in: batch, temperature: 0.5).value
        case .cmsc:
            return tape.cmsc(
                own, in: batch, patients: [0, 1, 2, 0, 3, 3, 4, 0], terms: .four, temperature: 0.5
            ).value
        case .infoNCE:
            let (latents, predictions) = parts(own.rows, horizons: rowsPerSample / 2)
            return tape.infoNCE(
                latents: tape.gatherRows(own, indices: tape.numbers(latents)),
                predictions: tape.gatherRows(own, indices: tape.numbers(predictions)),
                in: batch, horizons: rowsPerSample / 2
            ).value
        case .triplet:
            let mined = TripletMining.semiHard.triplets(
                TripletClasses(labels: (0..<16).map { $0 * 5 % 3 }),
                distance: { TripletDistance.squared(batch.row($0), batch.row($1)) },
                random: { _ in RandomStream(seed: 1, purpose: .test) })
            return tape.tripletLoss(
                own, in: batch, triplets: mined, distance: .squared, margin: 1
            ).value
        }
    }

    /// Rows of latents and of predictions where each sample has its latents first.
    private func parts(_ rows: Int, horizons: Int) -> (latents: [Int32], predictions: [Int32]) {
        let all = (0..<Int32(rows)).map { $0 }
        return (
            all.filter { Int($0) % (2 * horizons) < horizons },
            all.filter { Int($0) % (2 * horizons) >= horizons }
        )
    }

    @Test func retrievalCountsPartners() {
        let rows: [Float] = [1, 0, 0.9, 0.1, 0, 1, -1, 0]
        let graph = TestGraph([
            ("z", GoldenTensor(shape: [4, 2], doubles: rows.map(Double.init)))
        ])
        _ = graph.run(cotangent: nil) { tape, v in
            let z = tape.l2Normalised(v[0])
            let found = tape.ntXent(z, in: EmbeddingBatch(whole: z), temperature: 0.1)
            // Row 2's nearest is row 1; row 3's is row 2, its partner.
            #expect(found.retrievalAccuracy == 0.75)
            #expect(found.chance == 1.0 / 3)
            let segments = tape.cmsc(
                z, in: EmbeddingBatch(whole: z), patients: [4, 4], terms: .four, temperature: 0.1)
            #expect(segments.retrievalAccuracy == 1 && segments.chance == 1)
            return found.value
        }
    }

    @Test func semiHardMiningTakesTheNextFartherNegative() {
        // One axis: anchor 0 at 0, its positive at 2, negatives at 1, 3 and 5.
        let places: [Double] = [0, 2, 1, 3, 5]
        let classes = TripletClasses(labels: [0, 0, 1, 1, 1])
        func mined(_ mining: TripletMining) -> [Triplet] {
            mining.triplets(
                classes, distance: { abs(places[$0] - places[$1]) },
                random: { RandomStream(seed: 3, purpose: .test, position: UInt32($0)) })
        }
        #expect(mined(.semiHard)[0] == Triplet(anchor: 0, positive: 1, negative: 3))
        // From 2, both of 1 and 3 are nearer than the positive at 0; only 5 is farther.
        #expect(mined(.semiHard)[1] == Triplet(anchor: 1, positive: 0, negative: 4))
        #expect(mined(.batchHard)[0] == Triplet(anchor: 0, positive: 1, negative: 2))
        #expect(mined(.random) == mined(.random))
    }

    @Test func severalSuperclassesTakePartOnlyWhereSetsCount() {
        let (norm, infarction) = (Superclasses(.norm), Superclasses(.mi))
        let both: Superclasses = [infarction, Superclasses(.cd)]
        let sets: [Superclasses] = [norm, norm, infarction, both, both, []]
        func pairs(usesSets: Bool) -> [[Int]] {
            TripletMining.batchHard.triplets(
                TripletClasses(superclasses: sets, usesSets: usesSets),
                distance: { Double(abs($0 - $1)) },
                random: { _ in RandomStream(seed: 0, purpose: .test) }
            ).map { [$0.anchor, $0.positive, $0.negative] }
        }
        #expect(pairs(usesSets: false) == [[0, 1, 2], [1, 0, 2]])
        // Rows 3 and 4 share MI with row 2, so they are neither positive nor negative for each other.
        #expect(pairs(usesSets: true) == [[0, 1, 2], [1, 0, 2], [3, 4, 1], [4, 3, 1]])
    }
}
