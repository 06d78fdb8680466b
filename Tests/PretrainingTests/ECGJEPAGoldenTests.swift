import Kernels
import NeuralNetworks
import Pretraining
import Tensors
import TestSupport
import Testing

/// The published model's numbers, whatever sizes the golden files have.
@Suite struct ECGJEPAGoldenTests {
    /// Whole models; read-outs are a kind of their own.
    static let models = GoldenCase.all("jepa_").filter { $0.optional("target_raw") != nil }
    static let readOuts = GoldenCase.all("jepa_readout")

    @Test(arguments: models)
    func everyPartAgrees(golden: GoldenCase) {
        let model = GoldenJEPA(golden)
        let (tape, mask, patches) = model.start()
        defer { withExtendedLifetime(tape) {} }
        let jepa = model.jepa
        #expect(relativeError(jepa.teach(patches, on: tape).array, golden("target_raw")) < 1e-5)
        #expect(
            relativeError(jepa.targets(patches, mask: mask, on: tape).array, golden("target"))
                < 1e-5)
        let context = jepa.context(patches, mask: mask, on: tape)
        #expect(relativeError(context.array, golden("context")) < 1e-5)
        #expect(
            relativeError(jepa.encode(patches, on: tape).array, golden("encoder_unmasked")) < 1e-5)
        #expect(
            relativeError(
                jepa.representation(patches, on: tape).array, golden("representation")) < 1e-5)
        let all = jepa.predict(context, mask: mask, includesVisible: true, on: tape)
        #expect(relativeError(all.array, golden("predictor_all")) < 1e-5)
        let predicted = jepa.predict(context, mask: mask, on: tape)
        #expect(relativeError(predicted.array, golden("predicted")) < 1e-5)
    }

    @Test(arguments: models)
    func attentionPatternIsTheSame(golden: GoldenCase) {
        let (leads, patches) = (golden.integer("leads"), golden.integer("patches"))
        let pattern = CrossPattern(rows: leads, columns: patches, width: 1)
        let expected = golden("attn_mask_full").doubles
        let tokens = leads * patches
        for token in 0..<tokens {
            let seen = (0..<tokens).filter {
                $0 / patches == token / patches || $0 % patches == token % patches
            }
            #expect(seen.count == pattern.pairs)
            #expect((0..<tokens).filter { expected[token * tokens + $0] != 0 } == seen)
        }
    }

    @Test(arguments: models)
    func lossAndGradientsAgree(golden: GoldenCase) {
        let model = GoldenJEPA(golden)
        let loss = model.gradientStep()
        #expect(abs(loss - golden("loss64").doubles[0]) < 1e-5 * golden("loss64").doubles[0])
        for (name, gradient) in model.gradients {
            #expect(relativeError(gradient, golden("grad.\(name)")) < 1e-4, "\(name)")
        }
        let expected = golden.names.filter { $0.hasPrefix("grad.") }.map { String($0.dropFirst(5)) }
        #expect(Set(model.gradients.map(\.0)) == Set(expected))
    }

    @Test(arguments: models)
    func threeAdamWStepsAndTheTeacherAgree(golden: GoldenCase) {
        let model = GoldenJEPA(golden)
        let rate = golden.number("adamw.lr")
        let betas = golden.config["adamw"]?["betas"]?.arrayValue?.compactMap(\.doubleValue) ?? []
        let moments = model.parameters.specifications.map {
            (Tensor(shape: $0.shape), Tensor(shape: $0.shape))
        }
        for step in 0..<golden.integer("adamw.steps") {
            let loss = model.gradientStep()
            let expected = golden("adamw.loss_before_step").doubles[step]
            #expect(abs(loss - expected) < 1e-5 * expected)
            for (name, gradient) in model.gradients {
                guard let index = model.parameters.index(of: name),
                    let p = model.parameters.tensor(index).floats.baseAddress,
                    let m = moments[index].0.floats.baseAddress,
                    let v = moments[index].1.floats.baseAddress
                else { continue }
                let isDecayed = model.parameters[index].shape.count >= 2
                let update = AdamWStep(
                    number: UInt64(step + 1), learningRate: rate,
                    weightDecay: isDecayed ? golden.number("adamw.weight_decay") : 0,
                    beta1: betas[0], beta2: betas[1], epsilon: golden.number("adamw.eps"))
                update.apply(
                    to: p, gradient: gradient, moment1: m, moment2: v, count: gradient.count)
            }
            model.moveTeacher(momentum: golden.number("ema_momentum"))
        }
        for (index, spec) in model.parameters.specifications.enumerated() {
            guard let expected = golden.optional("adamw3.\(spec.name)")?.doubles else {
                // Position tables have no steps to compare.
                #expect(spec.name.hasSuffix("pos_embed"))
                continue
            }
            let actual = model.parameters.tensor(index).floatArray
            // The keys' third of a qkv bias has a gradient of rounding noise, of which Adam makes whole steps.
            let noisy =
                spec.name.hasSuffix("qkv.bias") ? spec.count / 3..<2 * spec.count / 3 : 0..<0
            for i in actual.indices {
                let bound = noisy.contains(i) ? 3.5 : 0.05
                #expect(abs(Double(actual[i]) - expected[i]) / rate < bound, "\(spec.name)[\(i)]")
            }
        }
    }

    @Test(arguments: models + readOuts)
    func positionTablesAreThePublishedOnes(golden: GoldenCase) {
        let model = GoldenJEPA(golden)
        for index in model.parameters.specifications.indices {
            let spec = model.parameters[index]
            guard spec.name.hasSuffix("pos_embed"), case .values(let table) = spec.initialiser,
                let expected = model.golden(parameter: spec.name)
            else { continue }
            #expect(relativeError(table(), expected) < 1e-7, "\(spec.name)")
        }
    }

    @Test(arguments: readOuts)
    func readOutAndItsGradientsAgree(golden: GoldenCase) {
        let model = GoldenJEPA(golden)
        let (tape, _, patches) = model.start()
        defer { withExtendedLifetime(tape) {} }
        let representation = model.jepa.representation(
            patches, leads: model.inputLeads, on: tape)
        #expect(relativeError(representation.array, golden("representation")) < 1e-5)
        let cotangent = golden("cotangent").floats
        tape.backward(
            from: representation,
            gradient: { $0.update(from: cotangent.span) }, into: model)
        let expected = golden.names.filter { $0.hasPrefix("grad.") }
        #expect(!expected.isEmpty)
        for name in expected {
            let gradient = model.gradients.first { $0.0 == "encoder.\(name.dropFirst(5))" }
            #expect(relativeError(gradient?.1 ?? [], golden(name)) < 1e-4, "\(name)")
        }
    }
}

/// A model of a golden file's sizes with its parameters.
private final class GoldenJEPA: GradientSink {
    let jepa: ECGJEPA
    let parameters: Parameters
    /// The leads that the input has, as rows of the position table; all where the file's table has no others.
    let inputLeads: [Int]?
    private let golden: GoldenCase
    private(set) var gradients: [(String, [Float])] = []

    /// Reads the sizes off the shapes where the file does not name them, as read-outs do not.
    init(_ golden: GoldenCase) {
        self.golden = golden
        let prefix = golden.optional("param.W_P.weight") == nil ? "param.encoder." : "param."
        let embedding = golden("\(prefix)W_P.weight").shape
        let input = golden("input").shape
        var sizes = ECGJEPASizes()
        sizes.width = embedding[0]
        sizes.patchSamples = embedding[1]
        sizes.patches = input[2] / embedding[1]
        sizes.leads = golden("\(prefix)pos_embed").shape[0] / sizes.patches
        sizes.depth = golden.integer("depth")
        sizes.heads = golden.integer("heads")
        sizes.hiddenWidth =
            golden("\(prefix)encoder_blocks.blocks.0.mlp.fc1.weight").shape[0]
        sizes.qkvBias =
            golden.optional("\(prefix)encoder_blocks.blocks.0.attn.qkv.bias") != nil
        if let mask = golden.optional("param.predictor.mask_token") {
            sizes.predictorWidth = mask.shape[2]
            sizes.predictorDepth = golden.integer("pred_depth")
            sizes.predictorHeads = golden.integer("pred_heads")
            sizes.predictorHiddenWidth =
                golden("param.predictor.predictor_blocks.blocks.0.mlp.fc1.weight").shape[0]
        }
        inputLeads =
            input[1] == sizes.leads
            ? nil : golden.config["leads"]?.arrayValue?.compactMap(\.integerValue).map { Int($0) }
        jepa = ECGJEPA(sizes: sizes)
        parameters = Parameters(jepa.parameters, seed: 0)
        for (index, spec) in parameters.specifications.enumerated() {
            guard let values = self.golden(parameter: spec.name) else { continue }
            _ = parameters.tensor(index).floats.update(from: values.floats)
        }
    }

    /// A parameter of the file, which may be that of an encoder alone.
    func golden(parameter name: String) -> GoldenTensor? {
        golden.optional("param.\(name)")
            ?? (name.hasPrefix("encoder.") ? golden.optional("param.\(name.dropFirst(8))") : nil)
    }

    /// An empty tape, the file's mask (none masked where it has none) and its input as patches.
    func start() -> (Tape, ColumnMask, Value) {
        let tape = Tape(parameters: parameters)
        tape.reset()
        let isMasked = golden.optional("mask")?.integers
        let mask = ColumnMask(columns: jepa.sizes.patches, on: tape) { isMasked?[$0] == 1 }
        let input = golden("input").floats
        let patches = tape.input(
            rows: input.count / jepa.sizes.patchSamples, columns: jepa.sizes.patchSamples)
        patches.numbers.update(from: input.span)
        return (tape, mask, patches)
    }

    func gradientStep() -> Double {
        let (tape, mask, patches) = start()
        defer { withExtendedLifetime(tape) {} }
        gradients = []
        let (value, loss) = jepa.loss(patches, mask: mask, on: tape)
        tape.backward(from: value, gradient: { $0[0] = 1 }, into: self)
        return loss
    }

    func moveTeacher(momentum: Double) {
        for (student, teacher) in jepa.teacherPairs {
            guard let x = parameters.tensor(student).floats.baseAddress,
                let average = parameters.tensor(teacher).floats.baseAddress
            else { continue }
            moveAverage(
                towards: x, average: average, momentum: momentum,
                count: parameters[student].count)
        }
    }

    func receive(gradient: Numbers<Float>, of parameter: Int) {
        gradients.append(
            (parameters[parameter].name, Array(gradient)))
    }
}
