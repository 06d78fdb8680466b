import Kernels
import NeuralNetworks
import Tensors
import TestSupport
import Testing

@testable import Pretraining

/// The study's codebook update beside ours, on synthetic pooled features: five clusters that differ a little around
/// a large common mean.
struct CollapseTests {
    @Test func theUpdateOfTheStudyCollapses() {
        let run = ToyRun(ToyRun.Settings(updatesAsTheStudy: true))
        #expect(run.train(steps: 60, lookingAt: 20) < 1.5)
        // Nearly every code fell to the origin: 0 divided by what keeps from dividing by 0.
        #expect(run.codesAtTheOrigin >= run.codes - 2)
    }

    @Test(arguments: [
        (ToyRun.Settings(), 0.045),
        (ToyRun.Settings(standardises: true), 0.25),
        (ToyRun.Settings(standardises: true, codeDimension: 8), 0.25),
        (
            ToyRun.Settings(
                standardises: true, codeDimension: 8, lookup: .cosine, entropyWeight: 0.1,
                rotates: true), 0.25
        ),
    ])
    func theRemediesDoNot(settings: ToyRun.Settings, share: Double) {
        let run = ToyRun(settings)
        let perplexity = run.train(steps: 60, lookingAt: 20)
        #expect(perplexity > share * Double(run.codes), "\(settings)")
        #expect(run.codesAtTheOrigin == 0)
    }
}

/// A head that rebuilds pooled features through a codebook.
final class ToyRun: GradientSink {
    struct Settings: Sendable {
        /// Running sums and counts that begin at zero, a smoothed count that is written back, codes around the origin
        /// that AdamW moves and decays as well.
        var updatesAsTheStudy = false
        var standardises = false
        /// Numbers of a code where latent vectors are projected before the lookup.
        var codeDimension: Int?
        var lookup = CodeLookup.euclidean
        var entropyWeight: Float = 0
        var rotates = false
    }

    let codes = 64
    private let batch = 64
    private let width = 32
    private let latent = 24
    private let warmup = 8
    private let settings: Settings
    private let head: VQVAEHead
    private let projections: (into: Linear, outOf: Linear)?
    private let codebook: Int
    private let parameters: Parameters
    private let ema: EMACodebook
    private let running: RunningStandardisation
    private let storage: Tensor
    private var random = RandomStream(seed: 11, purpose: .test)
    private let mean: [Float]
    private let centres: [[Float]]
    private var gradients: [Int: [Float]] = [:]
    private var moments: [(first: [Float], second: [Float])]
    private var pool: [[Float]] = []
    private var dimension: Int { settings.codeDimension ?? latent }

    init(_ settings: Settings) {
        self.settings = settings
        var list = ParameterList()
        head = VQVAEHead(width: width, latent: latent, hidden: width, outputs: width, in: &list)
        let dimension = settings.codeDimension ?? latent
        projections = settings.codeDimension.map { [latent] in
            (
                Linear("vq.project_in", inputs: latent, outputs: $0, in: &list),
                Linear("vq.project_out", inputs: $0, outputs: latent, in: &list)
            )
        }
        codebook = list.add(
            "vq.codebook", shape: [codes, dimension], .normal(deviation: 0.1),
            isTrained: settings.updatesAsTheStudy)
        parameters = Parameters(list, seed: 1)
        moments = parameters.specifications.map {
            ([Float](repeating: 0, count: $0.count), [Float](repeating: 0, count: $0.count))
        }
        let sizes = codes + codes * dimension + 2 * width + 1
        storage = Tensor(shape: [sizes])
        let (numbers, sumsEnd) = (storage.numbers, codes + codes * dimension)
        ema = EMACodebook(
            codes: codes, dimension: dimension, codebook: parameters.values(of: codebook),
            counts: numbers.part(0..<codes), sums: numbers.part(codes..<sumsEnd))
        running = RunningStandardisation(
            columns: width, means: numbers.part(sumsEnd..<sumsEnd + width),
            variances: numbers.part(sumsEnd + width..<sumsEnd + 2 * width),
            batches: numbers.part(sizes - 1..<sizes))
        for j in 0..<width { running.variances[j] = 1 }
        var drawn = RandomStream(seed: 12, purpose: .test)
        mean = (0..<width).map { _ in 5 * Float(drawn.nextNormal()) }
        centres = (0..<5).map { _ in (0..<32).map { _ in 0.3 * Float(drawn.nextNormal()) } }
    }

    /// Trains.
    ///
    /// - Parameters:
    ///   - steps: How long.
    ///   - last: How many of the last steps are looked at.
    /// - Returns: The perplexity of all choices of the last steps.
    func train(steps: Int, lookingAt last: Int) -> Double {
        var use = CodeUse(codes: codes)
        for step in 0..<steps {
            let chosen = self.step(step)
            if step >= steps - last { use.add(chosen) }
        }
        return use.perplexity ?? 0
    }

    /// Codes without length.
    var codesAtTheOrigin: Int {
        let book = parameters.tensor(codebook).floats
        return (0..<codes).count { code in
            (0..<dimension).allSatisfy { abs(book[code * dimension + $0]) < 1e-2 }
        }
    }

    private func features(on tape: Tape) -> Value {
        let x = tape.input(rows: batch, columns: width)
        for r in 0..<batch {
            let centre = centres[random.nextInteger(below: 5)]
            for j in 0..<width {
                x[r, j] = mean[j] + centre[j] + 0.1 * Float(random.nextNormal())
            }
        }
        return x
    }

    private func step(_ number: Int) -> [Int32] {
        let tape = Tape(parameters: parameters)
        defer { withExtendedLifetime(tape) {} }
        tape.reset()
        let feature = features(on: tape)
        let input = settings.standardises ? standardise(feature, on: tape) : feature
        var z = head.latent(of: input, on: tape)
        if let projections { z = projections.into(z, on: tape) }
        if settings.lookup == .cosine { z = tape.l2Normalised(z) }
        var (quantised, chosen, loss) = (z, [Int32](), Value?.none)
        let book = tape.parameter(codebook)
        if settings.updatesAsTheStudy || number >= warmup {
            let choice = tape.numbers(batch, of: Int32.self)
            settings.lookup.nearest(to: z, among: book, into: choice)
            chosen = Array(choice)
            quantised = tape.quantised(z, codebook: book, chosen: choice, rotates: settings.rotates)
            var (value, _) = tape.codeLoss(
                z, codebook: book, chosen: choice,
                commitment: settings.updatesAsTheStudy ? 0.1 : 0.25,
                codes: settings.updatesAsTheStudy ? 1 : 0)
            if settings.entropyWeight > 0 {
                let entropy = tape.assignmentEntropy(z, codebook: book, temperature: 0.1)
                value = tape.total(value, entropy.value, weight: settings.entropyWeight)
            }
            loss = value
        }
        if let projections { quantised = projections.outOf(quantised, on: tape) }
        let rebuilt = head.decode(quantised, dropout: nil, on: tape)
        let (error, _) = tape.meanSquaredError(rebuilt, target: feature, over: 1)
        gradients = [:]
        tape.backward(
            from: loss.map { tape.total(error, $0, weight: 1) } ?? error,
            gradient: { $0[0] = 1 }, into: self)
        optimise(number: UInt64(number + 1))
        follow(z, chosen: chosen, step: number)
        return chosen
    }

    private func standardise(_ feature: Value, on tape: Tape) -> Value {
        let scales = tape.numbers(width, of: Float.self)
        running.fillScales(scales)
        let result = tape.standardised(feature, means: running.means, scales: scales)
        let sums = tape.numbers(repeating: Float(0), count: 2 * width)
        running.measure(
            feature, deviations: sums.part(0..<width), squares: sums.part(width..<2 * width))
        running.follow(
            deviations: { Double(sums[$0]) / 64 },
            squares: { [width] in Double(sums[width + $0]) / 64 })
        return result
    }

    private func optimise(number: UInt64) {
        let update = AdamWStep(
            number: number, learningRate: 1e-3, weightDecay: 0.05, beta1: 0.9, beta2: 0.999,
            epsilon: 1e-8)
        for (index, gradient) in gradients {
            guard let p = parameters.tensor(index).floats.baseAddress else { continue }
            var (first, second) = moments[index]
            update.apply(
                to: p, gradient: gradient, moment1: &first, moment2: &second,
                count: gradient.count)
            moments[index] = (first, second)
        }
    }

    private func follow(_ z: Value, chosen: [Int32], step: Int) {
        if settings.updatesAsTheStudy { return followAsTheStudy(z, chosen: chosen) }
        for r in 0..<batch {
            pool.append(Array(z.row(r)))
        }
        pool = Array(pool.suffix(8 * batch))
        let share = Double(batch) / Double(codes)
        var flat = pool.flatMap { $0 }
        flat.withNumbers { vectors in
            if step == warmup - 1 {
                CodebookClustering(
                    vectors: vectors, codes: codes, dimension: dimension, lookup: settings.lookup
                ).run(
                    rounds: 10, random: &random,
                    parallel: { count, body in for task in 0..<count { body(task) } },
                    into: ema.codebook)
                ema.start(fairShare: share)
            } else if step >= warmup {
                let (hits, sums) = totals(z, chosen)
                ema.follow(
                    hits: { hits[$0] }, hitSums: { sums[$0] }, decay: 0.95, by: settings.lookup)
                _ = ema.restart(
                    below: 0.25 * share, fairShare: share, from: pool.count, random: &random
                ) { vectors.part($0 * dimension..<($0 + 1) * dimension) }
            }
        }
    }

    private func followAsTheStudy(_ z: Value, chosen: [Int32]) {
        let (hits, sums) = totals(z, chosen)
        for code in 0..<codes {
            ema.counts[code] = ema.counts[code] * 0.99 + 0.01 * Float(hits[code])
        }
        let total = (0..<codes).reduce(Float(0)) { $0 + ema.counts[$1] }
        for code in 0..<codes {
            ema.counts[code] =
                (ema.counts[code] + 1e-5) / (total + Float(codes) * 1e-5) * total
            for i in code * dimension..<(code + 1) * dimension {
                ema.sums[i] = ema.sums[i] * 0.99 + 0.01 * Float(sums[i])
                ema.codebook[i] = ema.sums[i] / ema.counts[code]
            }
        }
    }

    private func totals(_ z: Value, _ chosen: [Int32]) -> (hits: [Double], sums: [Double]) {
        var hits = [Double](repeating: 0, count: codes)
        var sums = [Double](repeating: 0, count: codes * dimension)
        for (r, code) in chosen.enumerated() {
            hits[Int(code)] += 1
            for j in 0..<dimension {
                sums[Int(code) * dimension + j] += Double(z[r, j])
            }
        }
        return (hits, sums)
    }

    func receive(gradient: Numbers<Float>, of parameter: Int) {
        gradients[parameter] = Array(gradient)
    }
}
