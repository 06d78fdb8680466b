import Configurations
import Kernels
import NeuralNetworks
import Runtime

/// Contrastive multi-segment coding: two neighbouring segments of a record, and those of the same patient's other
/// records, find each other in the batch.
///
/// Source: Kiyasseh, Zhu and Clifton, "CLOCS", 2021, with twelve leads in place of one.
public struct CMSC: GathersEmbeddings, KeepsState {
    /// The model's parameters.
    public let parameters: ParameterList
    private let settings: CMSCConfiguration
    let input: InputConfiguration
    private let shardSize: Int
    private let batchSize: Int
    let backbone: any Encoder

    /// Segments of a record.
    static let segments = 2

    /// The method that a configuration describes.
    ///
    /// - Parameters:
    ///   - settings: The method's own settings.
    ///   - configuration: What all methods share.
    public init(_ settings: CMSCConfiguration, configuration: Configuration) {
        self.settings = settings
        input = configuration.input
        shardSize = configuration.shardSize
        batchSize = configuration.batchSize
        var list = ParameterList()
        backbone = settings.backbone.encoder.network(
            input: input.cropped(to: settings.segmentSamples), in: &list)
        parameters = list
    }

    /// The loss, retrieval of segments of the same patient, and its chance.
    public var metrics: [Metric] { Metric.contrastive }

    /// Two unit vectors a record.
    public var gathering: Gathering? {
        Gathering(rowsPerSample: Self.segments, columns: settings.backbone.width)
    }

    /// Two segments through the backbone, and the table of similarities.
    public var operationsPerSample: Double {
        let signal = backbone.multiplications
        let segments = Double(Self.segments)
        let model = trainingOperations(
            forward: segments * signal.all, onSignal: segments * signal.onSignal, gathers: true)
        let (n, own) = (Double(batchSize), Double(shardSize))
        let table = n * Double(settings.backbone.width) * (n + 2 * own) / own
        return model + 2 * table
    }

    /// Two segments.
    public var activationsPerSample: Int { Self.segments * backbone.activations }

    /// Buffers for one thread.
    public func makeWorkspace() -> any ShardWorkspace {
        CMSCWorkspace(self, input: input, segmentSamples: settings.segmentSamples)
    }

    /// Moves running statistics, where the backbone has any.
    public func update(_ context: UpdateContext) -> [String: JSONValue] {
        backbone.update(context)
        return [:]
    }

    /// The backbone as it is used downstream, on parts of a window as long as a segment.
    public var embedding: SignalEmbedding? {
        SignalEmbedding(backbone, input: input.cropped(to: settings.segmentSamples))
    }

    /// Segments to unit vectors, a record's two after each other; the backbone sees all first segments, then all
    /// second ones.
    fileprivate func embed(
        _ first: Value, _ second: Value, of shard: Shard, from source: any WindowSource,
        on tape: Tape
    ) throws -> Value {
        let parts = try [first, second].enumerated().map { place, signals in
            try backbone.vectors(
                signals, .method, EncoderPass(shard, signalsPerSample: Self.segments, only: place),
                from: source, on: tape)
        }
        return tape.l2Normalised(tape.interleavedRows(parts[0], parts[1]))
    }

    fileprivate func loss(
        _ own: Value, of shard: Shard, patients: [Int], on tape: Tape
    ) -> ContrastiveLoss {
        tape.withWholeBatch(own, of: shard, rowsPerSample: Self.segments) {
            tape.cmsc(
                own, in: $0, patients: patients, terms: settings.terms,
                temperature: settings.temperature)
        }
    }
}

extension CMSCConfiguration: MethodBuilding {
    /// Contrastive multi-segment coding.
    public func makeMethod(of configuration: Configuration) -> any PretrainingMethod {
        CMSC(self, configuration: configuration)
    }
}

/// One thread's buffers for reading segments, and the computation of a shard on them.
private final class CMSCWorkspace: GatheringWorkspace {
    private let method: CMSC
    private let input: InputConfiguration
    private let segmentSamples: Int
    private let reader: WindowReader
    private var crop: [Float] = []

    init(_ method: CMSC, input: InputConfiguration, segmentSamples: Int) {
        self.method = method
        self.input = input
        self.segmentSamples = segmentSamples
        reader = WindowReader(input: input)
    }

    func forward(
        _ shard: Shard, from source: any WindowSource, report: ShardReport, on tape: Tape
    ) throws -> Value {
        let own = try embeddings(of: shard, from: source, on: tape)
        let windows = shard.gathered?.windows ?? shard.windows
        let found = method.loss(
            own, of: shard, patients: windows.map { source.facts(of: $0).patient }, on: tape)
        report.take(found)
        return found.value
    }

    func embeddings(
        of shard: Shard, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        try tape.rows(
            of: shard, rowsPerSample: CMSC.segments, columns: method.gathering?.columns ?? 0
        ) { part in
            let segments = try self.segments(of: part, from: source, on: tape)
            return try method.embed(
                segments.first, segments.second, of: part, from: source, on: tape)
        }
    }

    /// Halves of each record's crop, each standardised by itself; shapes `[samples * leads, segmentSamples]`.
    private func segments(
        of shard: Shard, from source: any WindowSource, on tape: Tape
    ) throws -> (first: Value, second: Value) {
        if crop.isEmpty { crop = Array(repeating: 0, count: input.leads * input.cropSamples) }
        let rows = shard.windows.count * input.leads
        let halves = (0..<CMSC.segments).map { _ in tape.input(rows: rows, columns: segmentSamples)
        }
        for sample in shard.windows.indices {
            try crop.withNumbers { crop in
                try reader.read(
                    shard, sample, length: input.cropSamples, standardises: false, from: source,
                    into: crop)
                for (place, half) in halves.enumerated() {
                    let target = half.rows(sample * input.leads..<(sample + 1) * input.leads)
                    for lead in 0..<input.leads {
                        let start = lead * input.cropSamples + place * segmentSamples
                        target.row(lead).update(from: crop.part(start..<start + segmentSamples))
                    }
                    reader.standardise(target.numbers)
                }
            }
        }
        return (halves[0], halves[1])
    }
}
