import Configurations
import Electrocardiography
import Kernels
import NeuralNetworks

/// Triplet refinement of an ST-MEM encoder: records of one diagnosis move together, those of different ones apart.
///
/// The head is that of E. Bakaeva and E. Padin, "Improving Self Supervised Learning of ECG Signals Processing via
/// Encoder Embeddings Representation Enhancements", 2025; the distance is taken over the numbers of an output, not over
/// the batch.
public struct TripletRefinement: PretrainingMethod {
    /// The model's parameters: `encoder.*`, `fc1.*`, `fc2.*`.
    public let parameters: ParameterList
    fileprivate let settings: TripletConfiguration
    private let input: InputConfiguration
    private let encoder: STMEMEncoder
    private let hidden: Linear
    private let output: Linear

    /// What the learning rate of unfrozen blocks is multiplied by.
    private static let encoderRate = 0.1

    /// The method that a configuration describes.
    ///
    /// - Parameters:
    ///   - settings: The method's own settings.
    ///   - input: What a sample is.
    public init(_ settings: TripletConfiguration, input: InputConfiguration) {
        self.settings = settings
        self.input = input
        var list = ParameterList()
        encoder = STMEMEncoder(
            sizes: STMEMSizes(
                encoder: settings.encoder, leads: input.leads, patchSamples: input.patchSamples,
                patches: input.patchesPerLead), in: &list)
        list.setTraining(false) { _ in true }
        if settings.unfreeze > 0 {
            let depth = settings.encoder.depth
            let trained =
                (depth - settings.unfreeze..<depth).map { "encoder.block\($0)." }
                + ["encoder.norm."]
            list.setTraining(true, learningRateScale: Self.encoderRate) { name in
                trained.contains { name.hasPrefix($0) }
            }
        }
        hidden = Linear(
            "fc1", inputs: settings.encoder.width, outputs: settings.hiddenWidth, in: &list)
        output = Linear(
            "fc2", inputs: settings.hiddenWidth, outputs: settings.outputWidth, in: &list)
        parameters = list
    }

    /// The loss; the share of records whose nearest one is of their class, and its chance; the share of triplets whose
    /// negative is not yet far enough.
    public var scalarNames: [String] { contrastiveScalarNames + ["active_triplets"] }

    /// A record's output.
    public var gathering: Gathering? {
        Gathering(rowsPerSample: 1, columns: settings.outputWidth)
    }

    /// All classes in turn.
    public var batches: BatchComposition {
        .balanced(settings.labels == .single ? .single : .equalSets)
    }

    /// An encoder that nobody has trained is not refined.
    public var needsTrainedEncoder: Bool { true }

    /// Frozen parts forward only, twice; the rest backward too.
    public var operationsPerSample: Double {
        let blocks = settings.encoder.multiplications(tokens: encoder.tokens)
        let trainedBlocks =
            blocks * Double(settings.unfreeze) / Double(settings.encoder.depth)
        let head = Double(
            settings.hiddenWidth * (settings.encoder.width + settings.outputWidth))
        let frozen = encoder.embeddingMultiplications + blocks - trainedBlocks
        // The head's first layer has nothing trained below it where the encoder is frozen.
        let withoutGradient =
            settings.unfreeze == 0 ? Double(settings.hiddenWidth * settings.encoder.width) : 0
        return 2 * 2 * frozen
            + trainingOperations(
                forward: trainedBlocks + head, onSignal: withoutGradient, gathers: true)
    }

    /// The blocks' share, frozen or not.
    public var activationsPerSample: Int { settings.encoder.activations(tokens: encoder.tokens) }

    /// Buffers for one thread.
    public func makeWorkspace() -> any ShardWorkspace { TripletWorkspace(self, input: input) }

    /// Patches to unit vectors.
    ///
    /// Shape `[samples * leads * patches, patchSamples]` to `[samples, outputWidth]`.
    fileprivate func embed(_ patches: Value, on tape: Tape) -> Value {
        let pooled = encoder.pooled(
            patches, frozenBlocks: settings.encoder.depth - settings.unfreeze, on: tape)
        return tape.unitLength(
            output(tape.rectifier(hidden(pooled, on: tape)), on: tape))
    }
}

/// One thread's buffers for reading windows, and the computation of a shard on them.
private final class TripletWorkspace: ShardWorkspace {
    private let method: TripletRefinement
    private let settings: TripletConfiguration
    private let reader: WindowReader

    init(_ method: TripletRefinement, input: InputConfiguration) {
        self.method = method
        settings = method.settings
        reader = WindowReader(input: input)
    }

    func forward(
        _ shard: Shard, from source: any WindowSource, report: ShardReport, on tape: Tape
    ) throws -> Value {
        let own = try rows(of: shard, from: source, on: tape)
        let windows = shard.gathered?.windows ?? shard.windows
        let classes = TripletClasses(
            superclasses: windows.map { source.facts(of: $0).superclasses },
            usesSets: settings.labels == .sets)
        // Mined for the whole batch, so positions are those of the batch, or of the shard where it stands alone.
        let first = shard.gathered == nil ? shard.firstPosition : 0
        return tape.withWholeBatch(own, of: shard, rowsPerSample: 1) { batch in
            let distances = Distances(batch, settings.distance)
            let triplets = settings.mining.triplets(
                classes, distance: distances.between,
                random: { anchor in
                    RandomStream(
                        seed: shard.seed, purpose: .negatives, step: shard.step,
                        position: UInt32(first + anchor))
                })
            let found = tape.tripletLoss(
                own, in: batch, triplets: triplets, distance: settings.distance,
                margin: settings.margin)
            let retrieval = classes.retrieval(distance: distances.between)
            report.scalars[0] = found.loss
            report.scalars[1] = retrieval.accuracy
            report.scalars[2] = retrieval.chance
            report.scalars[3] = found.active
            return found.value
        }
    }

    func gather(
        _ shard: Shard, from source: any WindowSource, into rows: UnsafeMutableBufferPointer<Float>,
        on tape: Tape
    ) throws {
        let own = try self.rows(of: shard, from: source, on: tape)
        _ = rows.update(from: UnsafeMutableBufferPointer(start: own.data, count: own.count))
    }

    private func rows(
        of shard: Shard, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        try tape.rows(of: shard, rowsPerSample: 1, columns: settings.outputWidth) { part in
            method.embed(try reader.patches(of: part, from: source, on: tape), on: tape)
        }
    }

    /// Distances of all rows of a batch, found once.
    private struct Distances {
        private let table: [Double]
        private let count: Int

        init(_ batch: EmbeddingBatch, _ distance: TripletDistance) {
            count = batch.count
            table = (0..<count * count).map { [count] place in
                distance(
                    batch.row(place / count), batch.row(place % count), columns: batch.columns)
            }
        }

        func between(_ first: Int, _ second: Int) -> Double { table[first * count + second] }
    }
}
