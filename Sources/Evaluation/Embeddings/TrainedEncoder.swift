import Checkpoints
import Configurations
import Electrocardiography
import LinearAlgebra
import NeuralNetworks
import Pretraining
import Runs
import Runtime

/// An encoder with the weights of a checkpoint, or with the random ones that a run begins with.
public struct TrainedEncoder: Sendable {
    /// What was trained, and how.
    public let configuration: Configuration
    /// Finished steps.
    public let step: UInt64
    /// Digest of the training state; `nil` for random weights.
    public let stateDigest: Digest?
    /// Digest of the data set that it was trained on; `nil` where the run does not say.
    public let dataDigest: Digest?
    private let parameters: Parameters
    private let method: any PretrainingMethod
    private var embedding: SignalEmbedding

    /// The encoder of a run's newest whole checkpoint, or of a given step's.
    ///
    /// - Parameters:
    ///   - run: The run's folder.
    ///   - step: Which checkpoint; `nil` for the newest.
    ///   - report: Told of checkpoints that are damaged and passed over.
    /// - Throws: `RunError`, `CheckpointError` and `EvaluationError.noEmbedding`.
    public init(
        run: RunDirectory, step: UInt64? = nil, report: (CheckpointName, CheckpointError) -> Void
    ) throws {
        let record = try run.read()
        self.configuration = record.configuration
        (method, embedding, parameters) = try Self.begin(record.configuration)
        let (name, manifest) = try run.checkpoints.loadNewestParameters(
            step: step, into: parameters.held(under: OfficialWeights.parameterPrefix),
            report: report)
        self.step = name.step
        stateDigest = manifest.stateDigest
        dataDigest = record.dataDigest
    }

    /// The encoder with random weights, before any training.
    ///
    /// - Parameters:
    ///   - configuration: What would be trained.
    ///   - dataset: What a method takes from the data before its first step, such as statistics, is taken from here.
    ///   - trainingRecords: The records of it that may be looked at for that.
    /// - Throws: `UnfitDataset`, `EvaluationError`, and whatever keeps a window from being read.
    public init(
        withRandomWeightsOf configuration: Configuration, dataset: PreparedDataset,
        trainingRecords: [EvaluatedRecord]
    ) throws {
        self.configuration = configuration
        (method, embedding, parameters) = try Self.begin(configuration)
        step = 0
        (stateDigest, dataDigest) = (nil, nil)
        try check(dataset)
        try (method as? any CompletesParameters)?.complete(
            parameters, from: dataset, windows: trainingRecords.flatMap(\.windows))
    }

    private static func begin(
        _ configuration: Configuration
    ) throws(EvaluationError) -> (any PretrainingMethod, SignalEmbedding, Parameters) {
        MatrixProduct.useOneThread()
        let method = configuration.makeMethod()
        guard let embedding = method.embedding else {
            throw .noEmbedding(method: configuration.method.name)
        }
        return (method, embedding, Parameters(method.parameters, seed: configuration.seed))
    }

    /// The same encoder without the clinical parameters that stand beside the signal; `nil` where it takes none.
    public var ofSignalAlone: TrainedEncoder? {
        guard let method = method as? any EmbedsSignalAlone else { return nil }
        var encoder = self
        encoder.embedding = method.signalEmbedding
        return encoder
    }

    /// Whether the method has a read-out.
    public func has(_ readout: Readout) -> Bool { embedding.dimension(of: readout) != nil }

    /// Numbers of a vector.
    ///
    /// - Throws: `EvaluationError.noReadout`.
    public func dimension(of readout: Readout) throws(EvaluationError) -> Int {
        guard let dimension = embedding.dimension(of: readout) else {
            throw .noReadout(method: configuration.method.name, readout: readout.rawValue)
        }
        return dimension
    }

    /// One vector a record: the mean over its windows, and over the method's crops of each.
    ///
    /// - Parameters:
    ///   - records: Which records.
    ///   - dataset: The set that they are of.
    ///   - settings: How they become vectors.
    ///   - progress: Told how many records are done, from any thread.
    /// - Returns: A row a record.
    /// - Throws: `UnfitDataset`, `EvaluationError`, and whatever keeps a window from being read.
    public func embed(
        _ records: [EvaluatedRecord], of dataset: PreparedDataset, _ settings: EmbeddingSettings,
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws -> Matrix {
        try check(dataset)
        _ = try dimension(of: settings.readout)
        return try rows(
            of: embedding, records.map(\.windows), from: dataset, settings,
            name: { Self.name($0, records[$0]) }, progress: progress)
    }

    /// The same for any windows, a list a record, of a source that is known to fit.
    ///
    /// - Parameters:
    ///   - records: Each record's windows.
    ///   - source: Where they come from.
    ///   - settings: How they become vectors.
    ///   - progress: Told how many records are done, from any thread.
    /// - Returns: A row a record.
    /// - Throws: `EvaluationError.noReadout`, and whatever keeps a window from being read.
    public func embed(
        _ records: [[Int]], of source: any WindowSource, _ settings: EmbeddingSettings,
        progress: @escaping @Sendable (Int) -> Void
    ) throws -> Matrix {
        _ = try dimension(of: settings.readout)
        return try rows(
            of: embedding, records, from: source, settings, name: { "record \($0)" },
            progress: progress)
    }

    /// A record as messages have it.
    private static func name(_ index: Int, _ record: EvaluatedRecord) -> String {
        "record \(index), \(record.description.name)"
    }

    /// Whether the method has a head that tells superclasses.
    public var isClassifier: Bool { method is any Classifies }

    /// How probable the method's own head thinks each superclass: the mean over a record's windows, and over the method's
    /// crops of each.
    ///
    /// - Parameters:
    ///   - records: Which records.
    ///   - dataset: The set that they are of.
    ///   - settings: Which crops and how many threads; the read-out is the head's own.
    ///   - progress: Told how many records are done, from any thread.
    /// - Returns: A row a record, a column a superclass.
    /// - Throws: `UnfitDataset`, `EvaluationError`, and whatever keeps a window from being read.
    public func probabilities(
        _ records: [EvaluatedRecord], of dataset: PreparedDataset, _ settings: EmbeddingSettings,
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws -> Matrix {
        guard let classifier = (method as? any Classifies)?.classifier else {
            throw EvaluationError.noHead(method: configuration.method.name)
        }
        try check(dataset)
        var settings = settings
        settings.readout = .method
        return try rows(
            of: classifier, records.map(\.windows), from: dataset, settings,
            name: { Self.name($0, records[$0]) }, progress: progress)
    }

    private func rows(
        of embedding: SignalEmbedding, _ records: [[Int]], from source: any WindowSource,
        _ settings: EmbeddingSettings, name: @escaping @Sendable (Int) -> String,
        progress: @escaping @Sendable (Int) -> Void
    ) throws -> Matrix {
        let (readout, threads) = (settings.readout, settings.threads)
        let width = embedding.dimension(of: readout) ?? 0
        let crops = embedding.cropStarts(windowSamples: source.samplesPerWindow)
        let starts = settings.centreCropOnly ? [crops[crops.count / 2]] : crops
        let pool = try ComputePool(threadCount: threads)
        let workers = (0..<threads).map { _ in
            Worker(workspace: embedding.makeWorkspace(), tape: Tape(parameters: parameters))
        }
        let done = Locked(0)
        let step = step
        let rows = try pool.map(records.count) { task, thread in
            let row = try workers[thread].embed(
                records[task], starts: starts, readout: readout, width: width, from: source)
            let strange = row.count { !$0.isFinite }
            guard strange == 0 else {
                throw EvaluationError.vectorNotFinite(
                    record: name(task), count: strange, width: width, step: step)
            }
            progress(
                done.withLock { done in
                    done += 1
                    return done
                })
            return row
        }
        return Matrix(rows: records.count, columns: width, values: rows.flatMap(\.self))
    }

    /// How much each patch of a window weighs in the mean over tokens, as attention hands it on.
    ///
    /// - Parameters:
    ///   - window: Number of the window.
    ///   - dataset: The set that it is of.
    /// - Returns: Of the crop in the middle.
    /// - Throws: `EvaluationError.noAttention` where the method has none, and whatever keeps a window from being read.
    public func attention(toWindow window: Int, of dataset: PreparedDataset) throws -> AttentionMap
    {
        try check(dataset)
        guard let places = embedding.tokens else {
            throw EvaluationError.noAttention(method: configuration.method.name)
        }
        let starts = embedding.cropStarts(windowSamples: dataset.samplesPerWindow)
        let start = starts[starts.count / 2]
        let tape = Tape(parameters: parameters)
        var blocks: [AttentionWeights] = []
        tape.attentionObserver = { blocks.append($0) }
        tape.reset(recordsGradients: false)
        _ = try embedding.makeWorkspace().embed(
            window: window, start: start, readout: .mean, from: dataset, on: tape)
        return withExtendedLifetime(tape) {
            AttentionMap(
                blocks: blocks, places: places,
                startSeconds: Double(start) / dataset.sampleRateHz,
                patchSeconds: Double(places.patchSamples) / dataset.sampleRateHz)
        }
    }

    private func check(_ dataset: PreparedDataset) throws(UnfitDataset) {
        try dataset.requireFit(
            to: configuration,
            needsClinicalFeatures: method.embedding?.encoder.needsClinicalFeatures ?? false)
    }
}

/// What one thread needs to embed records.
///
/// `@unchecked Sendable`: one thread at a time uses it, the one whose number it has.
private final class Worker: @unchecked Sendable {
    private let workspace: EmbeddingWorkspace
    private let tape: Tape

    init(workspace: EmbeddingWorkspace, tape: Tape) {
        self.workspace = workspace
        self.tape = tape
    }

    func embed(
        _ windows: [Int], starts: [Int], readout: Readout, width: Int,
        from source: any WindowSource
    ) throws -> [Double] {
        var sum = Array(repeating: 0.0, count: width)
        for window in windows {
            for start in starts {
                tape.reset(recordsGradients: false)
                let vector = try workspace.embed(
                    window: window, start: start, readout: readout, from: source, on: tape)
                precondition(vector.count == width, "\(vector.count) numbers instead of \(width)")
                for (i, number) in vector.numbers.enumerated() { sum[i] += Double(number) }
            }
        }
        let factor = 1 / Double(windows.count * starts.count)
        return sum.map { $0 * factor }
    }
}
