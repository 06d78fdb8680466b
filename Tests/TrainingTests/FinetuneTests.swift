import Checkpoints
import Configurations
import Electrocardiography
import Foundation
import Kernels
import NeuralNetworks
import Runtime
import TestSupport
import Testing

@testable import Pretraining
@testable import Training

/// Fine-tuning: the loss and its gradients, who is trained on what, and that nobody shows.
struct FinetuneTests {
    private static let bases = [
        "st-mem", "st-mem, leads", "ecg-jepa", "hybrid, parts", "hybrid, leads", "cnn", "ecg-cpc",
        "st-mem, layers", "st-mem, attention", "ecg-jepa, moments", "hybrid, attention",
        "cnn, layers", "cnn, attention", "ecg-cpc, moments", "ecg-cpc, layers",
        "ecg-cpc, attention", "s4, moments", "supervised-s4", "supervised-s4, attention",
    ]

    private func configuration(_ base: String, _ overrides: [String] = []) throws -> Configuration {
        var members: [String: JSONValue] = [
            "method": "finetune", "batchSize": 16, "logicalShards": 2, "steps": 60,
            "optimizer": ["learningRate": 3e-3, "warmupSteps": 2],
            "validation": ["everySteps": 3],
        ]
        switch base.prefix(while: { $0 != "," }) {
        case "st-mem":
            members["base"] = "st-mem"
            members["encoder"] = [
                "width": 16, "depth": 2, "heads": 2, "headWidth": 8, "mlpWidth": 32,
            ]
            members["input"] = ["cropSamples": 250, "patchSamples": 50]
        case "cnn":
            members["base"] = "simclr"
            members["backbone"] = "cnn"
            members["cnn"] = ["channels": 4, "blocks": 2, "width": 8]
            members["input"] = ["cropSamples": 250]
        case "ecg-cpc":
            members["base"] = "ecg-cpc"
            members["encoder"] = ["width": 8, "depth": 2, "length": 60]
            members["input"] = ["cropSamples": 250]
        case "s4":
            members["base"] = "cmsc"
            members["backbone"] = "s4"
            members["encoder"] = ["width": 8, "depth": 2, "bidirectional": true]
            members["input"] = ["cropSamples": 250]
        case "supervised-s4":
            members["base"] = "ecg-cpc"
            members["encoder"] = [
                "stem": "linear", "bidirectional": true, "sampleRateHz": 100, "width": 8,
                "depth": 2,
            ]
            members["head"] = ["dropout": 0, "standardise": false]
            members["input"] = ["cropSamples": 250]
        default:
            members["base"] = .string(String(base.prefix { $0 != "," }))
            members["encoder"] = ["width": 16, "depth": 2, "heads": 2, "mlpWidth": 32]
            members["input"] = ["cropSamples": 250, "patchSamples": 50]
        }
        if let readout = base.split(separator: " ").dropFirst().first {
            members["readout"] = .string(String(readout))
        }
        return try Configuration(.object(members), overrides: overrides)
    }

    private func replica(
        _ base: String, _ overrides: [String] = [], threads: Int = 1, windows: Int = 40
    ) throws -> TrainingReplica {
        try TrainingReplica(
            configuration: configuration(base, overrides),
            source: SyntheticWindows(samplesPerWindow: 300, seed: 3),
            trainingWindows: Array(0..<windows), validationWindows: Array(100..<121),
            threads: threads)
    }

    // MARK: Loss and gradients

    /// Receives every gradient of a backward pass.
    private final class Gradients: GradientSink {
        var found: [Int: [Float]] = [:]
        func receive(gradient: Numbers<Float>, of parameter: Int) {
            found[parameter] = Array(gradient)
        }
    }

    /// Numbers of scripts/pytorch/finetune.py.
    @Test func lossAndGradientsAreThoseOfPyTorch() throws {
        let configuration = try Configuration([
            "method": "finetune", "base": "st-mem", "batchSize": 4, "logicalShards": 1,
            "encoder": ["width": 8, "depth": 2, "heads": 2, "headWidth": 4, "mlpWidth": 16],
            "input": ["cropSamples": 10, "patchSamples": 5],
            "head": ["dropout": 0, "standardise": false],
        ])
        let settings = try #require(configuration.details as? FinetuneConfiguration)
        let method = Finetune(settings, of: configuration)
        let parameters = Parameters(method.parameters, seed: 0)
        for (index, specification) in parameters.specifications.enumerated()
        where !specification.name.hasSuffix("pos_embedding") {
            let name = specification.name.replacing("encoder.", with: "")
            let isGain =
                name.hasSuffix("norm.weight")
                || ["to_patch_embedding.1.weight", "to_patch_embedding.3.weight"].contains(name)
            let values = parameters.tensor(index).floats
            for i in values.indices {
                let wave = 0.3 * sin(0.37 * Double(i) + 1.3 * Double(name.count))
                values[i] = Float(wave + (isGain ? 1 : 0))
            }
        }
        let tape = Tape(parameters: parameters)
        tape.reset()
        let batch = FormulaBatch()
        let vectors = try method.vectors(
            of: batch.signals(on: tape), EncoderPass(batch.shard),
            from: SyntheticWindows(samplesPerWindow: 10), on: tape)
        let (value, loss) = tape.binaryCrossEntropy(
            logits: method.logits(vectors, of: batch.shard, on: tape),
            target: tape.numbers(batch.truths))
        #expect(abs(loss - 0.945621078) < 2e-6)
        let gradients = Gradients()
        tape.backward(from: value, gradient: { $0[0] = 1 }, into: gradients)
        for (name, expected) in [
            ("encoder.pos_embedding", 0.03248970), ("encoder.sep_embedding", 0.00414257),
            ("encoder.lead_embeddings.10", 0.00368174),
            ("encoder.to_patch_embedding.2.weight", 0.04600252),
            ("encoder.block0.attn.fn.to_qkv.weight", 0.02442689),
            ("encoder.block1.ff.fn.net.3.weight", 0.09569620),
            ("encoder.norm.weight", 0.17853265), ("head.weight", 0.52896424),
            ("head.bias", 0.15420862),
        ] {
            let index = try #require(parameters.index(of: name), "no \(name)")
            let squares = (gradients.found[index] ?? []).reduce(0) { $0 + Double($1) * Double($1) }
            #expect(abs(squares.squareRoot() - expected) < 1e-4 * expected, "\(name)")
        }
        withExtendedLifetime(tape) {}
    }

    @Test(arguments: bases) func gradientsAgreeWithDifferences(base: String) throws {
        let configuration = try configuration(base)
        let method = try #require(configuration.makeMethod() as? Finetune)
        let source = SyntheticWindows(samplesPerWindow: 300, seed: 3)
        let parameters = Parameters(method.parameters, seed: 5)
        try method.complete(parameters, from: source, windows: Array(0..<20))
        let (tape, workspace) = (Tape(parameters: parameters), method.makeWorkspace())
        let shard = Shard(
            seed: 1, step: 3, firstPosition: 8, windows: Array(8..<16), role: .training)
        func forward() throws -> (Value, Double) {
            tape.reset()
            let loss = tape.numbers(repeating: 0.0, count: 1)
            let value = try workspace.forward(
                shard, from: source,
                report: ShardReport([.loss], values: loss, auxiliary: loss.part(0..<0)), on: tape)
            return (value, loss[0])
        }
        let gradients = Gradients()
        tape.backward(from: try forward().0, gradient: { $0[0] = 1 }, into: gradients)
        // Along the gradient of each tensor, which changes the loss the most.
        for (index, specification) in parameters.specifications.enumerated()
        where specification.isTrained {
            // The convolutional network's own vector is not what these read-outs are made of.
            if base.hasPrefix("cnn, "), specification.name.hasPrefix("encoder.head.") {
                #expect(gradients.found[index] == nil)
                continue
            }
            let gradient = try #require(gradients.found[index], "\(specification.name)")
            let norm = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            guard norm > 1e-3 else { continue }
            let values = parameters.tensor(index).floats
            let kept = Array(values)
            func loss(_ distance: Double) throws -> Double {
                for i in values.indices {
                    values[i] = kept[i] + Float(distance * Double(gradient[i]) / norm)
                }
                return try forward().1
            }
            // The largest of several numbers has kinks: there the distance must be smaller than to the next.
            let distance = base.hasSuffix("moments") || base.hasSuffix("layers") ? 5e-4 : 4e-3
            let difference = (try loss(distance) - loss(-distance)) / (2 * distance)
            _ = values.update(from: kept)
            #expect(abs(difference - norm) < 0.03 * norm + 3e-4, "\(specification.name)")
        }
    }

    // MARK: The bits

    @Test(arguments: bases) func threadsDoNotShow(base: String) throws {
        let settings = ["augmentation.operations=2"]
        let alone = try replica(base, settings)
        let threaded = try replica(base, settings, threads: 3)
        for _ in 0..<4 {
            #expect(try alone.runStep().report == threaded.runStep().report)
        }
        #expect(StateDigest.digest(of: alone.state) == StateDigest.digest(of: threaded.state))
    }

    @Test func lowerLayersMoveSlower() throws {
        let scales = try Dictionary(
            uniqueKeysWithValues: configuration("st-mem", ["layerDecay=0.5"]).makeMethod()
                .parameters.specifications.map { ($0.name, $0.learningRateScale) })
        #expect(scales["head.weight"] == 1 && scales["encoder.norm.bias"] == 1)
        #expect(scales["encoder.block1.attn.fn.to_qkv.weight"] == 0.5)
        #expect(scales["encoder.block0.ff.norm.bias"] == 0.25)
        #expect(scales["encoder.to_patch_embedding.2.weight"] == 0.125)
        #expect(scales["encoder.pos_embedding"] == 0.125)
        let jepa = try configuration("ecg-jepa", ["layerDecay=0.5"]).makeMethod()
        for specification in jepa.parameters.specifications {
            switch specification.name {
            case "encoder.encoder_blocks.blocks.0.mlp.fc1.weight":
                #expect(specification.learningRateScale == 0.25)
            case "encoder.pos_embed": #expect(!specification.isTrained)
            default: break
            }
        }
    }

    private func scales(_ base: String, _ overrides: [String]) throws -> [String: Double] {
        try Dictionary(
            uniqueKeysWithValues: configuration(base, overrides).makeMethod().parameters
                .specifications.filter(\.isTrained).map { ($0.name, $0.learningRateScale) })
    }

    @Test(arguments: [
        ("ecg-cpc, attention", "encoder.predictor.predictor", "encoder.encoder.layers.0.0.weight"),
        ("supervised-s4", "encoder", "encoder.encoder.bias"),
        ("s4", "encoder.predictor.predictor", "encoder.encoder.layers.3.1.bias"),
    ])
    func layersOfStateSpacesMoveSlowerBlockByBlock(
        base: String, layers: String, stem: String
    ) throws {
        let scales = try scales(base, ["layerDecay=0.5"])
        #expect(scales["head.weight"] == 1)
        if base.hasSuffix("attention") { #expect(scales["head.pool.query"] == 1) }
        for (index, expected) in [0.25, 0.5].enumerated() {
            for name in [
                "s4_layers.\(index).D", "s4_layers.\(index).output_linear.0.bias",
                "norms.\(index).weight",
            ] {
                #expect(scales["\(layers).\(name)"] == expected, "\(name)")
            }
        }
        #expect(scales[stem] == 0.125)
    }

    /// Head, layers and stem with rates that differ by ten each, as published.
    @Test(arguments: ["ecg-cpc", "supervised-s4, attention", "s4", "st-mem", "cnn"])
    func headLayersAndStemHaveThreeRates(base: String) throws {
        let scales = try scales(base, ["layerDecay=1", "learningRateFactor=0.1"])
        #expect(Set(scales.values) == (base == "cnn" ? [1, 0.1] : [1, 0.1, 0.1 * 0.1]))
        for (name, scale) in scales {
            #expect((scale == 1) == name.hasPrefix("head."), "\(name)")
            if name.contains("s4_layers") || name.contains("norm") && !name.contains("patch") {
                #expect(scale >= 0.1, "\(name)")
            }
        }
        if base != "st-mem", base != "cnn" {
            #expect(
                scales.allSatisfy {
                    ($0.value == 0.1 * 0.1) == $0.key.hasPrefix("encoder.encoder.")
                })
        }
    }

    /// Waves whose length says the superclass.
    private struct TellingWaves: WindowSource {
        var samplesPerWindow: Int { 300 }
        func facts(of window: Int) -> WindowFacts {
            WindowFacts(
                record: "\(window)", patient: window,
                superclasses: Superclasses(rawValue: 1 << (window % 5)), fold: 1)
        }
        func readMillivolts(window: Int, into signal: inout MutableSpan<Float>) {
            for i in signal.indices {
                let angle = Double(i % 300 + 7 * window) / Double(8 + 8 * (window % 5))
                signal[i] = Float(sin(angle))
            }
        }
    }

    @Test(arguments: ["ecg-jepa", "cnn", "supervised-s4, attention"]) func learnsWhatLabelsSay(
        base: String
    ) throws {
        let replica = try TrainingReplica(
            configuration: configuration(
                base,
                [
                    "layerDecay=1", "optimizer.learningRate=\(base == "ecg-jepa" ? 3e-3 : 1e-2)",
                    "validation.everySteps=199", "steps=200",
                ]),
            source: TellingWaves(), trainingWindows: Array(0..<40),
            validationWindows: Array(40..<60), threads: 1)
        let reports = try (0..<200).map { _ in try replica.runStep().report }
        let losses = reports.compactMap { $0["loss"]?.doubleValue }
        #expect(losses[0] > 0.5 && losses[0] < 0.9)
        // Knowing nothing but that one of five applies costs 0.50.
        #expect(losses[195...].reduce(0, +) / 5 < 0.45, "\(losses.suffix(5))")
        #expect(reports[199]["validation_auroc_macro"]?.doubleValue ?? 0 > 0.8)
    }

    @Test func theValidationLineHasLossAndAUROC() throws {
        let report = try replica("st-mem").runStep().report
        let loss = try #require(report["validation_loss"]?.doubleValue)
        #expect(loss > 0.5 && loss < 0.9)
        let area = try #require(report["validation_auroc_macro"]?.doubleValue)
        #expect(area > 0.2 && area < 0.8)
    }

    // MARK: Labels

    @Test func fewerLabelsAreNestedByPatientAndOfEveryClass() {
        var random = RandomStream(seed: 9, purpose: .test)
        let patients = (0..<400).map { _ in random.nextInteger(below: 300) }
        let classes = patients.map { patient in
            // The last class is rare.
            patient == 7 ? Superclasses(rawValue: 16) : Superclasses(rawValue: 1 << (patient % 4))
        }
        let count = Set(patients).count
        for seed in [1, 2, 3] as [UInt64] {
            let subset = LabelSubset(patients: patients, classes: classes, seed: seed)
            let parts = [0.001, 0.01, 0.1, 0.5, 1].map { subset.patients(fraction: $0) }
            for (small, large) in zip(parts, parts.dropFirst()) {
                #expect(small.isSubset(of: large))
            }
            for part in parts {
                let found = zip(patients, classes).filter { part.contains($0.0) }
                    .reduce(into: Superclasses()) { $0.formUnion($1.1) }
                #expect(
                    found.rawValue
                        == classes.reduce(into: Superclasses()) { $0.formUnion($1) }.rawValue)
            }
            #expect(parts[4].count == count)
            #expect(parts[2].count == Int((0.1 * Double(count)).rounded(.up)))
        }
        let (a, b) = (
            LabelSubset(patients: patients, classes: classes, seed: 1),
            LabelSubset(patients: patients, classes: classes, seed: 2)
        )
        #expect(a.patients(fraction: 0.1) != b.patients(fraction: 0.1))
    }

    /// Windows of which some have no fold, and some no superclass.
    private struct PartlyLabelled: WindowSource {
        let inner = SyntheticWindows(samplesPerWindow: 300)
        var samplesPerWindow: Int { 300 }
        func facts(of window: Int) -> WindowFacts {
            WindowFacts(
                record: "\(window)", patient: window / 2,
                superclasses: window % 3 == 0 ? [] : Superclasses(rawValue: 1 << (window % 5)),
                fold: window < 20 ? nil : 2)
        }
        func readMillivolts(window: Int, into signal: inout MutableSpan<Float>) {
            inner.readMillivolts(window: window, into: &signal)
        }
    }

    @Test func recordsWithoutFoldOrSuperclassTakeNoPart() throws {
        let method = try #require(try configuration("st-mem").makeMethod() as? Finetune)
        let (source, all) = (PartlyLabelled(), Array(0..<60))
        let expected = all.filter { $0 >= 20 && $0 % 3 != 0 }
        #expect(try method.usable(all, of: source, for: .training, seed: 1) == expected)
        #expect(try method.usable(all, of: source, for: .validation, seed: 1) == expected)
        let few = try #require(
            try configuration("st-mem", ["labels.fraction=0.3"]).makeMethod() as? Finetune)
        let chosen = try few.usable(all, of: source, for: .training, seed: 1)
        #expect(chosen.count < expected.count / 2 && Set(chosen).isSubset(of: expected))
        #expect(try few.usable(all, of: source, for: .validation, seed: 1) == expected)
        #expect(throws: FinetuneError.noLabels(windows: 20)) {
            try method.usable(Array(0..<20), of: source, for: .training, seed: 1)
        }
    }

    // MARK: Augmentation

    @Test func augmentationDependsOnThePlaceInTheBatchAlone() {
        let augmentation = RandomAugmentation(
            RandomAugmentationConfiguration(operations: 8, level: 10, probability: 1), leads: 2)
        func changed(_ range: Range<Int>) -> [Float] {
            let tape = Tape(parameters: Parameters(ParameterList(), seed: 0))
            defer { withExtendedLifetime(tape) {} }
            let signals = tape.matrix(
                range.flatMap { sample in
                    (0..<200).map { Float(sin(Double($0 + 13 * sample) / 7)) }
                }, columns: 100)
            let shard = Shard(
                seed: 4, step: 2, firstPosition: range.lowerBound, windows: Array(range),
                role: .training)
            augmentation.change(signals, of: shard)
            return signals.array
        }
        let whole = changed(0..<6)
        #expect(changed(0..<3) + changed(3..<6) == whole)
        #expect(whole.allSatisfy { $0.isFinite && abs($0) < 4 })
        // One lead of each sample is set to 0 before or after a sine and noise are added.
        #expect(whole.contains(0))
    }

    // MARK: Configuration

    @Test(
        arguments: [
            ("ecg-cpc", "readout=leads"), ("supervised-s4", "readout=leads"),
            ("s4", "readout=parts"), ("st-mem", "learningRateFactor=0"),
            ("cnn", "cnn.blocks=1 readout=layers"), ("st-mem", "readout=head"),
            ("ecg-jepa", "readout=parts"), ("st-mem", "readout=parts"), ("cnn", "readout=leads"),
            ("st-mem", "base=cpc"), ("st-mem", "exchange.gradientBits=8"),
            ("ecg-jepa", "input.filterBeforeCrop=true"), ("st-mem", "labels.fraction=0"),
            ("st-mem", "decoder.width=16"),
        ])
    func whatCannotBeIsRefused(base: String, setting: String) {
        #expect(throws: ConfigurationError.self) {
            try configuration(base, setting.split(separator: " ").map(String.init))
        }
    }

    @Test(arguments: [
        "st-mem", "ecg-jepa", "hybrid", "vq-full", "vq-finetune", "simclr", "cmsc", "triplet",
        "ecg-cpc", "simclr backbone=s4 encoder.stem=linear", "cmsc backbone=s4",
        "ecg-cpc encoder.stem=linear encoder.sampleRateHz=100", "simclr backbone=cnn",
    ])
    func everyRunsEncoderHasItsNamesAndSizes(run description: String) throws {
        let words = description.split(separator: " ").map(String.init)
        let method = words[0]
        let run = try Configuration(
            ["method": .string(method), "batchSize": 64], overrides: Array(words[1...]))
        let tuned = try run.finetuning(["steps": 10], overrides: ["labels.fraction=0.1"])
        let theirs = run.makeMethod().parameters.specifications
        let ours = tuned.makeMethod().parameters.specifications
        let needed = ours.filter { $0.name.hasPrefix("encoder.") && $0.role != .statistic }
        #expect(needed.count > 10, "\(method)")
        for parameter in needed {
            let match = theirs.first { $0.name == parameter.name }
            #expect(match?.shape == parameter.shape, "\(parameter.name)")
        }
        #expect(tuned.steps == 10)
    }
}
