import Checkpoints
import Configurations
import Kernels
import NeuralNetworks
import Pretraining
import Runtime
import Testing
import Training

/// A tenth method, made through the public seams alone: one value that declares it, its settings, its encoder, its loss.
///
/// It learns to tell the patches of a window from the mean over their embeddings.
private enum Toy {
    static let method = MethodDescriptor(
        "toy", ToyConfiguration.self, input: InputDefaults(cropSamples: 100, patchSamples: 20),
        encoder: EncoderDescriptor(keys: ["encoder"]) {
            (reader, shared) throws(ConfigurationError) in
            try ToyEncoderConfiguration(from: &reader, shared: shared)
        })
    static let methods = MethodDescriptor.all + [method]
}

private struct ToyEncoderConfiguration: EncoderBuilding {
    let width: Int

    init(
        from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError) {
        try shared.input.checkPatches()
        width = try reader.integer("encoder.width", default: 8, in: 1...64)
    }

    func readout(for pooling: FinetuneConfiguration.Pooling) -> Readout? {
        pooling == .mean ? .mean : nil
    }

    func makeEncoder(input: InputConfiguration, in list: inout ParameterList) -> any Encoder {
        ToyEncoder(self, input: input, in: &list)
    }
}

private struct ToyConfiguration: MethodBuilding {
    let encoder: ToyEncoderConfiguration
    let weight: Double

    init(
        from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError) {
        encoder = try ToyEncoderConfiguration(from: &reader, shared: shared)
        weight = try reader.number("toy.weight", default: 1, in: 0...10)
    }

    func makeMethod(of configuration: Configuration) -> any PretrainingMethod {
        ToyMethod(self, input: configuration.input)
    }
}

/// An affine map of each patch.
private struct ToyEncoder: Encoder {
    let input: InputConfiguration
    let width: Int
    private let embedding: Linear

    init(
        _ settings: ToyEncoderConfiguration, input: InputConfiguration,
        in list: inout ParameterList
    ) {
        self.input = input
        width = settings.width
        embedding = Linear(
            "encoder.block0.embedding", inputs: input.patchSamples, outputs: width, in: &list)
    }

    var signalRows: Int { input.leads }
    var depth: Int { 1 }
    var tokens: TokenPlaces? { nil }
    var multiplications: (all: Double, onSignal: Double) {
        let all = Double(input.leads * input.cropSamples * width)
        return (all, all)
    }
    var activations: Int { input.leads * input.patchesPerLead * width }

    func dimension(of readout: Readout) -> Int? { readout == .leads ? nil : width }
    func cropStarts(windowSamples: Int) -> [Int] { [(windowSamples - input.cropSamples) / 2] }
    func makeReader(_ input: InputConfiguration) -> any SignalReader { WindowReader(input: input) }

    func vectors(
        _ signals: Value, _ readout: Readout, _ pass: EncoderPass, from source: any WindowSource,
        on tape: Tape
    ) -> Value {
        let patches = signals.reshaped(columns: input.patchSamples)
        return tape.meanOfRows(
            embedding(patches, on: tape), length: input.leads * input.patchesPerLead)
    }
}

extension Metric {
    fileprivate static let toyError = Metric("toy_error")
}

private struct ToyMethod: PretrainingMethod {
    let parameters: ParameterList
    let encoder: ToyEncoder
    let input: InputConfiguration
    let head: Linear

    init(_ settings: ToyConfiguration, input: InputConfiguration) {
        self.input = input
        var list = ParameterList()
        encoder = ToyEncoder(settings.encoder, input: input, in: &list)
        head = Linear(
            "head", inputs: encoder.width, outputs: input.leads * input.cropSamples, in: &list)
        parameters = list
    }

    var metrics: [Metric] { [.loss, .toyError] }
    var operationsPerSample: Double { 6 * encoder.multiplications.all }
    var activationsPerSample: Int { encoder.activations }
    var embedding: SignalEmbedding? { SignalEmbedding(encoder, input: input) }
    func makeWorkspace() -> any ShardWorkspace { Workspace(self) }

    private final class Workspace: ShardWorkspace {
        private let method: ToyMethod
        private let reader: any SignalReader

        init(_ method: ToyMethod) {
            self.method = method
            reader = method.encoder.makeReader(method.input)
        }

        func forward(
            _ shard: Shard, from source: any WindowSource, report: ShardReport, on tape: Tape
        ) throws -> Value {
            let signals = try reader.signals(of: shard, from: source, on: tape)
            let vectors = method.encoder.vectors(
                signals, .mean, EncoderPass(shard), from: source, on: tape)
            let (value, loss) = tape.smoothL1(
                method.head(vectors, on: tape), target: signals.numbers)
            report[.loss] = loss
            report[.toyError] = 2 * loss
            return value
        }
    }
}

struct ToyMethodTests {
    private func configuration(_ overrides: [String] = []) throws -> Configuration {
        try Configuration(
            [
                "method": "toy", "batchSize": 8, "logicalShards": 4, "steps": 40,
                "optimizer": ["learningRate": 1e-3, "warmupSteps": 0],
                "validation": ["everySteps": 5],
            ], overrides: overrides, methods: Toy.methods)
    }

    private func replica(_ configuration: Configuration, threads: Int = 1) throws
        -> TrainingReplica
    {
        try TrainingReplica(
            configuration: configuration, source: SyntheticWindows(seed: 3),
            trainingWindows: Array(0..<40), validationWindows: Array(100..<105), threads: threads)
    }

    @Test func everyMethodOfTheListMakesItself() throws {
        for method in MethodDescriptor.all {
            var settings: JSONValue = ["method": .string(method.name)]
            if method.trainsEncoderOfBase {
                settings = ["method": .string(method.name), "base": "st-mem"]
            }
            let made = try Configuration(settings).makeMethod()
            #expect(made.metrics.first == .loss, "\(method.name)")
            #expect(!made.parameters.specifications.isEmpty, "\(method.name)")
            if method.encoder != nil { #expect(made.embedding != nil, "\(method.name)") }
        }
    }

    @Test func aMethodFromOutsideLearnsAndItsDigestDoesNotDependOnThreads() throws {
        let (one, three) = (
            try replica(configuration()), try replica(configuration(), threads: 3)
        )
        var reports: [JSONValue] = []
        for _ in 0..<21 {
            reports.append(try one.runStep().report)
            _ = try three.runStep()
        }
        let (first, last) = (reports[0], reports[20])
        // The validation set is measured before steps 1, 6, 11, 16 and 21.
        let losses = [first, last].compactMap { $0["validation_loss"]?.doubleValue }
        #expect(losses.count == 2 && losses[1] < losses[0], "\(losses)")
        #expect(last["toy_error"]?.doubleValue == last["loss"]?.doubleValue.map { 2 * $0 })
        #expect(first["validation_toy_error"] != nil)
        #expect(StateDigest.digest(of: one.state) == StateDigest.digest(of: three.state))
    }

    @Test func itsEncoderIsFineTunedAndEmbeds() throws {
        let run = try configuration(["encoder.width=5"])
        let tuned = try run.finetuning(
            ["batchSize": 16, "logicalShards": 2], overrides: [], methods: Toy.methods)
        let method = tuned.makeMethod()
        #expect(method.parameters.specifications.contains { $0.name == "head.weight" })
        let embedding = try #require(run.makeMethod().embedding)
        #expect(embedding.dimension(of: .mean) == 5 && embedding.dimension(of: .leads) == nil)
        let tape = Tape(parameters: Parameters(run.makeMethod().parameters, seed: 1))
        tape.reset(recordsGradients: false)
        let row = try embedding.makeWorkspace().embed(
            window: 3, start: 10, readout: .mean, from: SyntheticWindows(seed: 3), on: tape)
        #expect(row.rows == 1 && row.columns == 5)
        withExtendedLifetime(tape) {}
        #expect(throws: ConfigurationError.self) {
            try Configuration(
                ["method": "finetune", "base": "toy"], overrides: ["readout=leads"],
                methods: Toy.methods)
        }
    }
}
