import Kernels
import NeuralNetworks
import Tensors
import TestSupport
import Testing

@testable import Pretraining

/// The published definitions' numbers, whatever sizes the golden files have.
@Suite struct QuantiserGoldenTests {
    private func chosen(_ golden: GoldenCase) -> [Int32] {
        golden("index").integers.map { Int32($0) }
    }

    private func nearest(_ golden: GoldenCase, by lookup: CodeLookup) -> [Int] {
        var result = [Int32](repeating: -1, count: golden.integer("batch"))
        let tape = Tape(parameters: Parameters(ParameterList(), seed: 0))
        withExtendedLifetime(tape) {
            let dimension = golden.integer("dim")
            result.withNumbers {
                lookup.nearest(
                    to: tape.matrix(golden("z").floats, columns: dimension),
                    among: tape.matrix(golden("codebook").floats, columns: dimension), into: $0)
            }
        }
        return result.map(Int.init)
    }

    @Test(arguments: GoldenCase.all("quant_vq.", "quant_vq_"))
    func choicesAreTheSame(golden: GoldenCase) {
        #expect(nearest(golden, by: .euclidean) == golden("index").integers)
        #expect(nearest(golden, by: .cosine) == golden("cosine.index").integers)
        var use = CodeUse(codes: golden.integer("codes"))
        use.add(chosen(golden))
        #expect(use.active == golden("active").integers[0])
        let perplexity = golden("perplexity").doubles[0]
        #expect(abs((use.perplexity ?? .nan) - perplexity) < 1e-6 * perplexity)
    }

    @Test(arguments: GoldenCase.all("quant_vq.", "quant_vq_"))
    func straightThroughAndLossesAgree(golden: GoldenCase) {
        let graph = TestGraph([("z", golden("z")), ("codebook", golden("codebook"))])
        let beta = Float(golden.number("beta"))
        let chosen = chosen(golden)
        let quantised = graph.run(cotangent: nil) { tape, v in
            tape.quantised(
                v[0], codebook: v[1], chosen: tape.numbers(chosen), rotates: false)
        }
        #expect(relativeError(quantised, golden("quantised")) < 1e-5)
        var error = 0.0
        let weights = golden("cotangent").floats
        _ = graph.run(cotangent: [1]) { tape, v in
            let chosen = tape.numbers(chosen)
            let y = tape.quantised(v[0], codebook: v[1], chosen: chosen, rotates: false)
            let (loss, squared) = tape.codeLoss(
                v[0], codebook: v[1], chosen: chosen, commitment: beta, codes: 1)
            error = squared
            let products = tape.linear(
                y.reshaped(columns: y.count), weight: row(weights, on: tape))
            return tape.total(products, loss, weight: 1)
        }
        #expect(abs(error - golden("commit").doubles[0]) < 1e-5 * error)
        #expect(abs(error - golden("codebook_loss").doubles[0]) < 1e-5 * error)
        #expect(relativeError(graph.gradient("z"), golden("grad.z")) < 2e-5)
        #expect(relativeError(graph.gradient("codebook"), golden("grad.codebook")) < 2e-5)
    }

    private func row(_ numbers: [Float], on tape: Tape) -> Value {
        let value = tape.input(rows: 1, columns: numbers.count)
        value.numbers.update(from: numbers.span)
        return value
    }

    @Test(arguments: GoldenCase.all("quant_vq.", "quant_vq_"))
    func rotationAgrees(golden: GoldenCase) {
        let graph = TestGraph([("z", golden("z")), ("codebook", golden("codebook"))])
        let y = graph.run(cotangent: golden("cotangent").floats) { tape, v in
            tape.quantised(
                v[0], codebook: v[1], chosen: tape.numbers(chosen(golden)), rotates: true)
        }
        #expect(relativeError(y, golden("rotation.quantised")) < 1e-5)
        #expect(relativeError(graph.gradient("z"), golden("rotation.grad.z")) < 2e-5)
    }

    @Test(arguments: GoldenCase.all("quant_vq.", "quant_vq_"))
    func entropyAgrees(golden: GoldenCase) {
        let graph = TestGraph([("z", golden("z"))])
        let (codes, dimension) = (golden.integer("codes"), golden.integer("dim"))
        let y = graph.run(cotangent: [1]) { tape, v in
            let codebook = tape.input(rows: codes, columns: dimension)
            codebook.numbers.update(from: golden("codebook").floats.span)
            let entropy = tape.assignmentEntropy(v[0], codebook: codebook, temperature: 1)
            let expected = (
                golden("entropy.per_sample").doubles[0], golden("entropy.mean_code").doubles[0]
            )
            #expect(abs(entropy.perVector - expected.0) < 1e-5 * expected.0)
            #expect(abs(entropy.ofMean - expected.1) < 1e-5 * expected.1)
            return entropy.value
        }
        let difference =
            golden("entropy.per_sample").doubles[0] - golden("entropy.mean_code").doubles[0]
        #expect(abs(Double(y[0]) - difference) < 1e-5 * abs(difference))
        #expect(relativeError(graph.gradient("z"), golden("entropy.grad.z")) < 2e-5)
    }

    @Test(arguments: GoldenCase.all("quant_vq.", "quant_vq_"))
    func runningMeansAgree(golden: GoldenCase) {
        let (codes, dimension) = (golden.integer("codes"), golden.integer("dim"))
        let book = TestCodebook(codes: golden("codebook").floats, dimension: dimension)
        book.ema.start(fairShare: 1)
        let z = golden("z").doubles
        var hits = [Double](repeating: 0, count: codes)
        var sums = [Double](repeating: 0, count: codes * dimension)
        for (n, code) in golden("index").integers.enumerated() {
            hits[code] += 1
            for j in 0..<dimension { sums[code * dimension + j] += z[n * dimension + j] }
        }
        book.ema.follow(
            hits: { hits[$0] }, hitSums: { sums[$0] }, decay: golden.number("decay"),
            by: .euclidean)
        #expect(relativeError(book.counts, golden("ema.count")) < 1e-5)
        #expect(relativeError(book.sums, golden("ema.sum")) < 1e-5)
        #expect(relativeError(book.codebook, golden("ema.codebook")) < 1e-5)
        let total = book.counts.reduce(0) { $0 + Double($1) }
        let smoothed = (0..<codes).map { Float(book.ema.smoothedCount($0, total: total)) }
        #expect(relativeError(smoothed, golden("ema.smoothed")) < 1e-5)
    }

    @Test(arguments: GoldenCase.all("quant_vq.", "quant_vq_"))
    func finiteScalarsAgree(golden: GoldenCase) {
        let levels = golden.config["fsq_levels"]?.arrayValue?.compactMap(\.integerValue) ?? []
        let graph = TestGraph([("z", golden("fsq.z"))])
        var chosen: [Int] = []
        let y = graph.run(cotangent: golden("fsq.cotangent").floats) { tape, v in
            let rounded = tape.roundedToLevels(v[0], FiniteScalarQuantisation(levels: levels))
            chosen = (0..<v[0].rows).map { Int(rounded.chosen[$0]) }
            return rounded.value
        }
        #expect(chosen == golden("fsq.index").integers)
        #expect(relativeError(y, golden("fsq.out")) < 1e-5)
        #expect(relativeError(graph.gradient("z"), golden("fsq.grad.z")) < 2e-5)
    }
}

/// A codebook with its running means in arrays.
final class TestCodebook {
    private let storage: Tensor
    let ema: EMACodebook

    init(codes: [Float], dimension: Int) {
        let count = codes.count / dimension
        storage = Tensor(shape: [2 * codes.count + count])
        let numbers = storage.numbers
        ema = EMACodebook(
            codes: count, dimension: dimension, codebook: numbers.part(0..<codes.count),
            counts: numbers.part(2 * codes.count..<numbers.count),
            sums: numbers.part(codes.count..<2 * codes.count))
        ema.codebook.update(from: codes.span)
    }

    var codebook: [Float] { Array(ema.codebook) }
    var sums: [Float] { Array(ema.sums) }
    var counts: [Float] { Array(ema.counts) }
}
