import Configurations
import Kernels
import NeuralNetworks
import Tensors
import TestSupport
import Testing

@testable import Pretraining

/// The published model's numbers, whatever sizes the golden files have.
struct ECGCPCGoldenTests {
    static let models = GoldenCase.all("ecgcpc_")

    @Test(arguments: models)
    func everyPartAgrees(golden: GoldenCase) throws {
        let model = try GoldenModel(golden)
        let (tape, signals) = model.start()
        defer { withExtendedLifetime(tape) {} }
        let tokens = model.method.encoder.tokens(signals, model.pass, on: tape)
        #expect(relativeError(model.rows(tokens.latents), golden("encoded")) < 1e-5)
        #expect(relativeError(model.rows(tokens.contexts), golden("context")) < 1e-5)
        let predictions = model.method.predictions(tokens.contexts, on: tape)
        #expect(relativeError(model.rows(predictions), golden("predicted")) < 1e-5)
    }

    @Test(arguments: models)
    func lossAndGradientsAgree(golden: GoldenCase) throws {
        let model = try GoldenModel(golden)
        let (loss, accuracy) = model.gradientStep()
        #expect(abs(loss - golden("loss64").doubles[0]) < 1e-5 * golden("loss64").doubles[0])
        #expect(abs(accuracy - golden("accuracy").doubles[0]) < 1e-6)
        let expected = golden.names.filter { $0.hasPrefix("grad.") }
            .map { String($0.dropFirst("grad.".count)) }
            .filter { !["encoded", "input"].contains($0) }
        #expect(Set(model.gradients.keys) == Set(expected))
        for name in expected {
            #expect(
                relativeError(model.gradients[name] ?? [], golden("grad.\(name)")) < 1e-4, "\(name)"
            )
        }
    }

    @Test(arguments: models)
    func runningStatisticsAndEvaluationAgree(golden: GoldenCase) throws {
        let model = try GoldenModel(golden)
        _ = model.gradientStep()
        model.moveStatistics()
        for name in golden.names where name.hasPrefix("after.") {
            let values = model.values(of: String(name.dropFirst("after.".count)))
            #expect(relativeError(values, golden(name)) < 1e-5, "\(name)")
        }
        let (tape, signals) = model.start()
        defer { withExtendedLifetime(tape) {} }
        let pass = model.evaluation
        let tokens = model.method.encoder.tokens(signals, pass, on: tape)
        #expect(relativeError(model.rows(tokens.latents), golden("eval.encoded")) < 1e-5)
        #expect(relativeError(model.rows(tokens.contexts), golden("eval.context")) < 1e-5)
        let encoder = model.method.encoder
        let mean = encoder.vectors(signals, .mean, pass, from: NoWindows(), on: tape)
        #expect(relativeError(mean.array, golden("eval.mean")) < 1e-5)
        #expect(mean.columns == encoder.dimension(of: .mean))
        let layers = try encoder.readOut(.layers, of: signals, pass, from: NoWindows(), on: tape)
        #expect(layers.columns == encoder.width(of: .layers))
        #expect(layers.columns == 6 * mean.columns)
        for sample in 0..<mean.rows {
            // Three moments of the latents, then those of the contexts.
            let first = sample * layers.columns + 3 * mean.columns
            let part = sample * mean.columns
            #expect(
                layers.array[first..<first + mean.columns]
                    == mean.array[part..<part + mean.columns])
        }
    }

    @Test(arguments: models, ["adamw", "groups"])
    func threeAdamWStepsAgree(golden: GoldenCase, rates: String) throws {
        let base = golden.number("adamw.lr")
        let factor =
            rates == "adamw" ? 1 : golden.number("groups.lr_s4") / golden.number("groups.lr_head")
        let model = try GoldenModel(golden, factor: factor)
        let betas = golden.config["adamw"]?["betas"]?.arrayValue?.compactMap(\.doubleValue) ?? []
        let moments = model.parameters.specifications.map {
            (Tensor(shape: $0.shape), Tensor(shape: $0.shape))
        }
        for step in 0..<golden.integer("adamw.steps") {
            let loss = model.gradientStep().loss
            let expected = golden("\(rates).loss_before_step").doubles[step]
            #expect(abs(loss - expected) < 1e-5 * expected)
            for (index, specification) in model.parameters.specifications.enumerated() {
                guard var gradient = model.gradients[model.official(specification.name)] else {
                    continue
                }
                let update = AdamWStep(
                    number: UInt64(step + 1),
                    learningRate: base * specification.learningRateScale,
                    weightDecay: golden.number("adamw.weight_decay"), beta1: betas[0],
                    beta2: betas[1], epsilon: golden.number("adamw.eps"))
                gradient.withNumbers {
                    update.apply(
                        to: model.parameters.values(of: index), gradient: $0,
                        moment1: moments[index].0.numbers, moment2: moments[index].1.numbers)
                }
            }
        }
        let prefix = "\(rates)3."
        for name in golden.names where name.hasPrefix(prefix) {
            let values = model.values(of: String(name.dropFirst(prefix.count)))
            if rates == "groups" {
                #expect(relativeError(values, golden(name)) < 1e-5, "\(name)")
            } else {
                let difference = zip(values, golden(name).doubles).map { abs(Double($0) - $1) }
                #expect((difference.max() ?? .infinity) / base < 0.05, "\(name)")
            }
        }
    }

    @Test(arguments: models)
    func droppedChannelsAreDroppedAtAllTimes(golden: GoldenCase) throws {
        let model = try GoldenModel(golden)
        let width = golden.integer("width")
        let (tape, _) = model.start()
        defer { withExtendedLifetime(tape) {} }
        // The stem's tokens as the file has them, then the layers by hand, with the file's draws.
        var x = tape.input(rows: width, columns: golden.integer("batch") * model.time)
        let latents = model.channelsFirst(golden("encoded").floats)
        x.numbers.update(from: latents.span)
        for layer in 0..<golden.integer("layers") {
            func factors(_ place: String) -> Value {
                let kept = golden("drop.keep.\(layer).\(place)").doubles.map { Float($0 / 0.8) }
                let value = tape.input(rows: golden.integer("batch"), columns: width)
                value.numbers.update(from: kept.span)
                return value
            }
            x = model.method.encoder.layer(
                layer, x, samples: golden.integer("batch"), inner: factors("inner"),
                outer: factors("outer"), on: tape)
        }
        #expect(relativeError(model.rows(x), golden("drop.context")) < 1e-5)
    }
}

/// What the method draws, which no published number says.
struct ECGCPCDrawTests {
    private func method(_ negatives: String = "negatives.count=50") throws -> ECGCPC {
        let configuration = try Configuration(
            [
                "method": "ecg-cpc", "input": ["cropSamples": 500], "horizon": 9,
                "encoder": ["width": 4, "depth": 1],
            ], overrides: [negatives])
        return try #require(configuration.makeMethod() as? ECGCPC)
    }

    private func drawn(
        seed: UInt64 = 1, step: UInt64 = 2, first: Int = 0, sample: Int = 0, start: Int
    ) throws -> [Int] {
        let shard = Shard(
            seed: seed, step: step, firstPosition: first, windows: [0, 1], role: .training)
        guard case .drawn(let count, let draw) = try method().negatives(of: shard) else {
            return []
        }
        var times = Array(repeating: Int32(-1), count: count)
        times.withNumbers { draw(sample, start, $0) }
        return times.map { Int($0) }
    }

    @Test func negativesAreEvenOverAllOtherTimes() throws {
        let tokens = 240
        var counts = Array(repeating: 0, count: tokens)
        for start in 0..<tokens - 9 {
            let times = try drawn(start: start)
            #expect(times.count == 50 && !times.contains(start + 9))
            for time in times { counts[time] += 1 }
        }
        // 231 starts draw 50 of 239 times each: 48 of a time, give or take seven.
        #expect(counts.allSatisfy { (15...85).contains($0) })
    }

    @Test func negativesAreThoseOfSeedStepAndPlace() throws {
        let times = try drawn(first: 3, sample: 1, start: 7)
        #expect(try drawn(first: 4, sample: 0, start: 7) == times)
        #expect(try drawn(first: 3, sample: 0, start: 7) != times)
        #expect(try drawn(first: 3, sample: 1, start: 8) != times)
        #expect(try drawn(seed: 2, first: 3, sample: 1, start: 7) != times)
        #expect(try drawn(step: 3, first: 3, sample: 1, start: 7) != times)
    }

    @Test func allOthersAreNotDrawn() throws {
        let shard = Shard(seed: 0, step: 0, firstPosition: 0, windows: [0], role: .training)
        guard case .allOthers = try method("negatives.from=all").negatives(of: shard) else {
            Issue.record("something is drawn")
            return
        }
    }
}

private struct NoWindows: WindowSource {
    var samplesPerWindow: Int { 0 }
    func readMillivolts(window: Int, into signal: inout MutableSpan<Float>) {}
    func facts(of window: Int) -> WindowFacts {
        WindowFacts(record: "", patient: 0, superclasses: [])
    }
}

/// A model of a golden file's sizes with its parameters.
private final class GoldenModel: GradientSink {
    let method: ECGCPC
    let parameters: Parameters
    let time: Int
    private let golden: GoldenCase
    private var statistics: [Int: Tensor] = [:]
    private(set) var gradients: [String: [Float]] = [:]

    init(_ golden: GoldenCase, factor: Double = 1) throws {
        self.golden = golden
        let samples = Int64(golden.integer("samples"))
        let configuration = try Configuration([
            "method": "ecg-cpc", "batchSize": 8, "logicalShards": 1,
            "input": ["cropSamples": .integer(samples), "sampleRateHz": 240],
            "encoder": [
                "width": .integer(Int64(golden.integer("width"))),
                "depth": .integer(Int64(golden.integer("layers"))),
                "state": .integer(Int64(golden.integer("state"))),
                "length": .integer(Int64(golden.integer("l_max"))), "dropout": 0, "chunk": 7,
            ],
            "horizon": .integer(Int64(golden.integer("steps_predicted"))),
            "negatives": ["count": .integer(Int64(golden.integer("negatives")))],
            "reduction": "sum", "learningRateFactor": .number(factor),
        ])
        method = try #require(configuration.makeMethod() as? ECGCPC)
        parameters = Parameters(method.parameters, seed: 0)
        time = golden.integer("tokens")
        for (index, specification) in parameters.specifications.enumerated()
        where specification.role != .statistic {
            let name = official(specification.name)
            let values = golden.optional("param.\(name)") ?? golden("buffer.\(name)")
            #expect(values.shape == specification.shape, "\(name)")
            _ = parameters.tensor(index).floats.update(from: values.floats)
        }
    }

    /// The official name of a parameter, as the file has it.
    func official(_ name: String) -> String {
        name.hasPrefix("encoder.") ? String(name.dropFirst("encoder.".count)) : name
    }

    func values(of name: String) -> [Float] {
        let index =
            parameters.index(of: "encoder.\(name)") ?? parameters.index(of: name)
        return index.map { parameters.tensor($0).floatArray } ?? []
    }

    private func shard(_ role: Shard.Role) -> Shard {
        Shard(
            seed: 0, step: 0, firstPosition: 0, windows: Array(0..<golden.integer("batch")),
            role: role)
    }

    var pass: EncoderPass { EncoderPass(shard(.training)) }
    var evaluation: EncoderPass { EncoderPass(shard(.validation)) }

    func start() -> (Tape, Value) {
        let tape = Tape(parameters: parameters)
        tape.reset()
        let input = golden("input")
        let signals = tape.input(rows: input.shape[0] * input.shape[1], columns: input.shape[2])
        signals.numbers.update(from: input.floats.span)
        return (tape, signals)
    }

    /// Rows of channels as rows of times, samples one after another.
    func rows(_ value: Value) -> [Float] {
        let numbers = value.array
        return (0..<value.columns).flatMap { column in
            (0..<value.rows).map { numbers[$0 * value.columns + column] }
        }
    }

    /// Rows of times as rows of channels.
    func channelsFirst(_ values: [Float]) -> [Float] {
        let width = golden.integer("width")
        return (0..<width).flatMap { row in
            (0..<values.count / width).map { values[$0 * width + row] }
        }
    }

    func gradientStep() -> (loss: Double, accuracy: Double) {
        let (tape, signals) = start()
        defer { withExtendedLifetime(tape) {} }
        gradients = [:]
        let (batch, count) = (golden.integer("batch"), golden.integer("negatives"))
        let negatives = golden("negatives").integers
        let found = method.loss(
            signals, pass,
            negatives: .drawn(count: count) { sample, start, times in
                for i in times.indices {
                    times[i] = Int32(negatives[(start * batch + sample) * count + i])
                }
            }, on: tape)
        tape.backward(from: found.value, gradient: { $0[0] = 1 }, into: self)
        return (found.loss, found.accuracy)
    }

    func moveStatistics() {
        let context = UpdateContext(
            parameters: parameters, seed: 0, step: 0, totalSteps: 1, logicalShards: 1,
            auxiliary: [], statistic: { self.statistic($0) },
            parallel: { count, task in for i in 0..<count { task(i) } })
        method.encoder.update(context)
    }

    private func statistic(_ index: Int) -> Numbers<Float> {
        guard let found = statistics[index] else { preconditionFailure("no statistic \(index)") }
        return found.numbers
    }

    func receive(gradient: Numbers<Float>, of parameter: Int) {
        let specification = parameters[parameter]
        if specification.role == .statistic {
            let kept = Tensor(shape: specification.shape)
            kept.numbers.update(from: gradient)
            statistics[parameter] = kept
        } else {
            gradients[official(specification.name)] = Array(gradient)
        }
    }
}
