import Configurations
import Kernels
import NeuralNetworks
import Runtime

/// SimCLR: two augmented views of a record find each other among all views of the batch.
///
/// Source: Chen et al., 2020; for ECGs Mehari and Strodthoff, "Self-supervised representation learning from 12-lead ECG
/// data", 2022. The representation is the backbone's vector, before the projection.
public struct SimCLR: GathersEmbeddings, KeepsState {
    /// The model's parameters.
    public let parameters: ParameterList
    private let settings: SimCLRConfiguration
    let input: InputConfiguration
    private let shardSize: Int
    private let batchSize: Int
    let backbone: any Encoder
    private let hidden: Linear
    private let output: Linear

    /// Views of a record.
    static let views = 2

    /// The method that a configuration describes.
    ///
    /// - Parameters:
    ///   - settings: The method's own settings.
    ///   - configuration: What all methods share.
    public init(_ settings: SimCLRConfiguration, configuration: Configuration) {
        self.settings = settings
        input = configuration.input
        shardSize = configuration.shardSize
        batchSize = configuration.batchSize
        var list = ParameterList()
        backbone = settings.backbone.encoder.network(input: input, in: &list)
        let width = settings.backbone.width
        hidden = Linear("projection.0", inputs: width, outputs: width, in: &list)
        output = Linear(
            "projection.2", inputs: width, outputs: settings.projectionWidth, in: &list)
        parameters = list
    }

    /// The loss, retrieval of partners in the batch, and its chance.
    public var metrics: [Metric] { Metric.contrastive }

    /// Two unit vectors a record.
    public var gathering: Gathering? {
        Gathering(rowsPerSample: Self.views, columns: settings.projectionWidth)
    }

    /// Two views through backbone and projection, and the table of similarities.
    public var operationsPerSample: Double {
        let signal = backbone.multiplications
        let width = Double(settings.backbone.width)
        let head = width * width + width * Double(settings.projectionWidth)
        let views = Double(Self.views)
        let model = trainingOperations(
            forward: views * (signal.all + head), onSignal: views * signal.onSignal, gathers: true)
        // Every shard finds all similarities, and the gradient of its own rows.
        let (n, own) = (views * Double(batchSize), views * Double(shardSize))
        let table = n * Double(settings.projectionWidth) * (n + own) / Double(shardSize)
        return model + 2 * table
    }

    /// Two views.
    public var activationsPerSample: Int { Self.views * backbone.activations }

    /// Buffers for one thread.
    public func makeWorkspace() -> any ShardWorkspace { SimCLRWorkspace(self, input: input) }

    /// Moves running statistics, where the backbone has any.
    public func update(_ context: UpdateContext) -> [String: JSONValue] {
        backbone.update(context)
        return [:]
    }

    /// The backbone as it is used downstream, before the projection.
    public var embedding: SignalEmbedding? { SignalEmbedding(backbone, input: input) }

    fileprivate func augmentation() -> Augmentation {
        Augmentation(settings.augmentation, leads: input.leads, sampleRateHz: input.sampleRateHz)
    }

    /// Views to unit vectors.
    ///
    /// Shape `[views * leads, samples]` to `[views, projectionWidth]`.
    fileprivate func embed(
        _ views: Value, of shard: Shard, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        let pass = EncoderPass(shard, signalsPerSample: Self.views)
        let features = try backbone.vectors(views, .method, pass, from: source, on: tape)
        return tape.l2Normalised(
            output(tape.relu(hidden(features, on: tape)), on: tape))
    }

    fileprivate func loss(_ own: Value, of shard: Shard, on tape: Tape) -> ContrastiveLoss {
        tape.withWholeBatch(own, of: shard, rowsPerSample: Self.views) {
            tape.ntXent(own, in: $0, temperature: settings.temperature)
        }
    }
}

extension SimCLRConfiguration: MethodBuilding {
    /// SimCLR.
    public func makeMethod(of configuration: Configuration) -> any PretrainingMethod {
        SimCLR(self, configuration: configuration)
    }
}

/// One thread's buffers for making views, and the computation of a shard on them.
private final class SimCLRWorkspace: GatheringWorkspace {
    private let method: SimCLR
    private let input: InputConfiguration
    private let reader: WindowReader
    private let augmentation: Augmentation
    private var window: [Float] = []

    init(_ method: SimCLR, input: InputConfiguration) {
        self.method = method
        self.input = input
        reader = WindowReader(input: input)
        augmentation = method.augmentation()
    }

    func forward(
        _ shard: Shard, from source: any WindowSource, report: ShardReport, on tape: Tape
    ) throws -> Value {
        let found = method.loss(
            try embeddings(of: shard, from: source, on: tape), of: shard, on: tape)
        report.take(found)
        return found.value
    }

    func embeddings(
        of shard: Shard, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        try tape.rows(
            of: shard, rowsPerSample: SimCLR.views, columns: method.gathering?.columns ?? 0
        ) { part in
            try method.embed(
                try views(of: part, from: source, on: tape), of: part, from: source, on: tape)
        }
    }

    /// Two views of each record, one after the other; shape `[2 * samples * leads, cropSamples]`.
    private func views(
        of shard: Shard, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        if window.isEmpty {
            window = Array(repeating: 0, count: input.leads * source.samplesPerWindow)
        }
        let views = tape.input(
            rows: shard.windows.count * SimCLR.views * input.leads, columns: input.cropSamples)
        for sample in shard.windows.indices {
            try window.withNumbers { window in
                try reader.read(
                    shard, sample, length: source.samplesPerWindow, standardises: false,
                    from: source, into: window)
                for view in 0..<SimCLR.views {
                    let place = sample * SimCLR.views + view
                    var random = RandomStream(
                        seed: shard.seed, purpose: .augmentation, step: shard.step,
                        position: UInt32(shard.firstPosition * SimCLR.views + place))
                    augmentation.make(
                        views.rows(place * input.leads..<(place + 1) * input.leads),
                        from: window, random: &random, standardise: reader.standardise)
                }
            }
        }
        return views
    }
}
