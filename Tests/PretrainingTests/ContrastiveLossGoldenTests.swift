import Kernels
import NeuralNetworks
import Pretraining
import TestSupport
import Testing

/// The contrastive losses against the published definitions.
@Suite struct ContrastiveLossGoldenTests {
    @Test(arguments: GoldenCase.all("loss_ntxent"))
    func ntXent(golden: GoldenCase) {
        checkPairs(golden, "") { tape, embeddings in
            tape.ntXent(
                embeddings, in: EmbeddingBatch(whole: embeddings),
                temperature: golden.number("temperature")
            ).value
        }
    }

    @Test(arguments: GoldenCase.all("loss_cmsc"), [CMSCTerms.four, .two])
    func cmsc(golden: GoldenCase, terms: CMSCTerms) {
        checkPairs(golden, terms == .four ? "" : "masked.") { tape, embeddings in
            tape.cmsc(
                embeddings, in: EmbeddingBatch(whole: embeddings),
                patients: golden("patient").integers, terms: terms,
                temperature: golden.number("temperature")
            ).value
        }
    }

    @Test(arguments: GoldenCase.all("loss_infonce_cpc"))
    func infoNCEWithinSequences(golden: GoldenCase) {
        let time = golden.integer("steps")
        let negatives = golden("negatives").integers.map { Int32($0) }
        let graph = TestGraph([
            ("context", golden("context")), ("W", golden("W")), ("latents", golden("latents")),
        ])
        let loss = graph.run(cotangent: [1]) { tape, v in
            tape.infoNCE(
                predictions: tape.linear(v[0], weight: v[1]), latents: v[2], time: time,
                negatives: tape.numbers(negatives), count: golden.integer("negatives")
            ).value
        }
        #expect(relativeError(loss, golden("loss")) < 1e-5)
        for name in ["context", "W", "latents"] {
            #expect(relativeError(graph.gradient(name), golden("grad.\(name)")) < 1e-4, "\(name)")
        }
    }

    @Test(arguments: GoldenCase.all("loss_infonce_batch"))
    func infoNCEOverTheBatch(golden: GoldenCase) {
        let (horizons, start) = (golden.integer("horizons"), golden.integer("t0"))
        let (samples, time) = (golden("latents").shape[0], golden("latents").shape[1])
        let rows = (0..<samples).flatMap { sample in
            (1...horizons).map { Int32(sample * time + start + $0) }
        }
        let graph = TestGraph([
            ("context", golden("context")), ("W", golden("W")), ("latents", golden("latents")),
        ])
        let loss = graph.run(cotangent: [1]) { tape, v in
            let latents = tape.gatherRows(v[2], indices: tape.numbers(rows))
            let predictions = tape.linear(v[0], weight: v[1]).reshaped(columns: latents.columns)
            return tape.infoNCE(
                latents: latents, predictions: predictions,
                in: interleaved(latents, predictions, horizons: horizons, on: tape),
                horizons: horizons
            ).value
        }
        #expect(relativeError(loss, golden("loss")) < 1e-5)
        for name in ["context", "W", "latents"] {
            #expect(relativeError(graph.gradient(name), golden("grad.\(name)")) < 1e-4, "\(name)")
        }
    }

    @Test(arguments: GoldenCase.all("loss_triplet"), [TripletDistance.squared, .euclidean])
    func triplets(golden: GoldenCase, distance: TripletDistance) {
        let prefix = distance == .squared ? "sq" : "l2"
        let parts = ["anchor", "positive", "negative"]
        let (count, columns) = (golden("anchor").shape[0], golden("anchor").shape[1])
        let stacked = GoldenTensor(
            shape: [3 * count, columns], doubles: parts.flatMap { golden($0).doubles })
        let triplets = (0..<count).map {
            Triplet(anchor: $0, positive: count + $0, negative: 2 * count + $0)
        }
        let graph = TestGraph([("rows", stacked)])
        let loss = graph.run(cotangent: [1]) { tape, v in
            let rows = distance == .squared ? tape.l2Normalised(v[0]) : v[0]
            return tape.tripletLoss(
                rows, in: EmbeddingBatch(whole: rows), triplets: triplets, distance: distance,
                margin: golden.number("margin")
            ).value
        }
        #expect(relativeError(loss, golden("\(prefix).loss")) < 1e-5)
        for (place, part) in parts.enumerated() {
            let gradient = graph.gradient("rows").dropFirst(place * count * columns)
            #expect(
                relativeError(
                    gradient.prefix(count * columns), golden("\(prefix).grad.\(part)")) < 1e-4)
        }
    }

    @Test(arguments: GoldenCase.all("loss_triplet"))
    func hardestTriplets(golden: GoldenCase) {
        let graph = TestGraph([("rows", golden("hard.embeddings"))])
        let loss = graph.run(cotangent: [1]) { tape, v in
            let rows = tape.l2Normalised(v[0])
            let triplets = TripletMining.batchHard.triplets(
                TripletClasses(labels: golden("hard.labels").integers),
                distance: { TripletDistance.squared(rows.row($0), rows.row($1)) },
                random: { _ in RandomStream(seed: 0, purpose: .test) })
            #expect(triplets.map(\.anchor) == Array(0..<rows.rows))
            #expect(triplets.map(\.positive) == golden("hard.pos_index").integers)
            #expect(triplets.map(\.negative) == golden("hard.neg_index").integers)
            return tape.tripletLoss(
                rows, in: EmbeddingBatch(whole: rows), triplets: triplets, distance: .squared,
                margin: golden.number("margin")
            ).value
        }
        #expect(relativeError(loss, golden("hard.loss")) < 1e-5)
        #expect(relativeError(graph.gradient("rows"), golden("hard.grad.embeddings")) < 1e-4)
    }

    /// Runs a loss on raw embeddings of pairs, `z1` and `z2` of the case, and compares loss and gradients.
    private func checkPairs(
        _ golden: GoldenCase, _ prefix: String, _ loss: (Tape, Value) -> Value
    ) {
        let columns = golden("z1").shape[1]
        let graph = TestGraph([("z", pairs(golden("z1"), golden("z2")))])
        let y = graph.run(cotangent: [1]) { tape, v in loss(tape, tape.l2Normalised(v[0])) }
        #expect(relativeError(y, golden("\(prefix)loss")) < 1e-5)
        let expected = pairs(golden("\(prefix)grad.z1"), golden("\(prefix)grad.z2"))
        #expect(expected.shape[1] == columns)
        #expect(relativeError(graph.gradient("z"), expected) < 1e-4)
    }

    /// Rows of two arrays in turns.
    private func pairs(_ first: GoldenTensor, _ second: GoldenTensor) -> GoldenTensor {
        let (rows, columns) = (first.shape[0], first.shape[1])
        var numbers: [Double] = []
        for row in 0..<rows {
            let part = row * columns..<(row + 1) * columns
            numbers += first.doubles[part] + second.doubles[part]
        }
        return GoldenTensor(shape: [2 * rows, columns], doubles: numbers)
    }
}

/// Latents and predictions as they are gathered: a sample's latents, then its predictions.
func interleaved(
    _ latents: Value, _ predictions: Value, horizons: Int, on tape: Tape
) -> EmbeddingBatch {
    let rows = tape.input(rows: 2 * latents.rows, columns: latents.columns)
    for row in 0..<latents.rows {
        let (sample, step) = row.quotientAndRemainder(dividingBy: horizons)
        rows.row(2 * sample * horizons + step).update(from: latents.row(row))
        rows.row((2 * sample + 1) * horizons + step).update(from: predictions.row(row))
    }
    return EmbeddingBatch(whole: rows)
}
