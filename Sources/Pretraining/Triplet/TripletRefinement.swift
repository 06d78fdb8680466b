import Configurations
import Electrocardiography
import Kernels
import NeuralNetworks

/// Triplet refinement of an ST-MEM encoder: records of one diagnosis move together, those of different ones apart.
///
/// The head is that of E. Bakaeva and E. Padin, "Improving Self Supervised Learning of ECG Signals Processing via
/// Encoder Embeddings Representation Enhancements", 2025; the distance is taken over the numbers of an output, not over
/// the batch.
public struct TripletRefinement: GathersEmbeddings, ChoosesWindows, RefinesEncoder {
    /// The model's parameters: `encoder.*`, `fc1.*`, `fc2.*`.
    public let parameters: ParameterList
    let settings: TripletConfiguration
    let input: InputConfiguration
    let encoder: STMEMEncoder
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
            sizes: STMEMSizes(encoder: settings.encoder, input: input), in: &list)
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
    public var metrics: [Metric] { Metric.contrastive + [.activeTriplets] }

    /// ST-MEM's read-outs of the encoder, and as the method's own the unit vector that triplets move.
    public var embedding: SignalEmbedding? {
        SignalEmbedding(encoder, input: input).with(.method, dimension: settings.outputWidth) {
            signals, _, _, tape in
            let patches = signals.reshaped(columns: input.patchSamples)
            return embed(features(patches, on: tape), on: tape)
        }
    }

    /// A record's output; behind it, where the encoder is frozen, the feature that the head gets, so that the second phase
    /// need not compute it again.
    public var gathering: Gathering? {
        Gathering(
            rowsPerSample: 1,
            columns: settings.outputWidth + (isFrozen ? settings.encoder.width : 0))
    }

    fileprivate var isFrozen: Bool { settings.unfreeze == 0 }

    /// All classes in turn.
    public var batches: BatchComposition {
        .balanced(settings.labels == .single ? .single : .equalSets)
    }

    /// Frozen parts forward only, once if that is all of the encoder and twice otherwise; the rest backward too.
    public var operationsPerSample: Double {
        let blocks = settings.encoder.multiplications(tokens: encoder.tokenCount)
        let trainedBlocks =
            blocks * Double(settings.unfreeze) / Double(settings.encoder.depth)
        let head = Double(
            settings.hiddenWidth * (settings.encoder.width + settings.outputWidth))
        let frozen = encoder.embeddingMultiplications + blocks - trainedBlocks
        // The head's first layer has nothing trained below it where the encoder is frozen.
        let withoutGradient =
            isFrozen ? Double(settings.hiddenWidth * settings.encoder.width) : 0
        return 2 * (isFrozen ? 1 : 2) * frozen
            + trainingOperations(
                forward: trainedBlocks + head, onSignal: withoutGradient, gathers: true)
    }

    /// The blocks' share, frozen or not.
    public var activationsPerSample: Int {
        settings.encoder.activations(tokens: encoder.tokenCount)
    }

    /// Buffers for one thread.
    public func makeWorkspace() -> any ShardWorkspace { TripletWorkspace(self, input: input) }

    /// Patches to features.
    ///
    /// Shape `[samples * leads * patches, patchSamples]` to `[samples, width]`.
    func features(_ patches: Value, on tape: Tape) -> Value {
        encoder.pooled(
            patches, frozenBlocks: settings.encoder.depth - settings.unfreeze, on: tape)
    }

    /// Features to unit vectors, shape `[samples, outputWidth]`.
    func embed(_ features: Value, on tape: Tape) -> Value {
        tape.l2Normalised(output(tape.relu(hidden(features, on: tape)), on: tape))
    }
}

extension TripletConfiguration: MethodBuilding {
    /// Refinement by triplets.
    public func makeMethod(of configuration: Configuration) -> any PretrainingMethod {
        TripletRefinement(self, input: configuration.input)
    }
}

extension Metric {
    /// The part of triplets whose negative is not yet far enough.
    static let activeTriplets = Metric("active_triplets")
}

/// One thread's buffers for reading windows, and the computation of a shard on them.
private final class TripletWorkspace: GatheringWorkspace {
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
        let features = try features(of: shard, from: source, on: tape)
        let own = method.embed(features, on: tape)
        let windows = shard.gathered?.windows ?? shard.windows
        let classes = TripletClasses(
            superclasses: windows.map { source.facts(of: $0).superclasses },
            usesSets: settings.labels == .sets)
        // Mined for the whole batch, so positions are those of the batch, or of the shard where it stands alone.
        let first = shard.gathered == nil ? shard.firstPosition : 0
        return withOutputs(own, of: shard, on: tape) { batch in
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
            report[.loss] = found.loss
            report[.retrievalAccuracy] = retrieval.accuracy
            report[.retrievalChance] = retrieval.chance
            report[.activeTriplets] = found.active
            return found.value
        }
    }

    func embeddings(
        of shard: Shard, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        let features = try features(of: shard, from: source, on: tape)
        let outputs = method.embed(features, on: tape)
        guard method.isFrozen else { return outputs }
        let width = outputs.columns
        let rows = tape.input(rows: features.rows, columns: width + features.columns)
        for sample in 0..<features.rows {
            let row = rows.row(sample)
            row.part(0..<width).update(from: outputs.row(sample))
            row.part(width..<row.count).update(from: features.row(sample))
        }
        return rows
    }

    /// The shard's features: those that it gathered before, where they cannot have changed.
    private func features(
        of shard: Shard, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        let width = settings.encoder.width
        guard method.isFrozen, let gathered = shard.gathered else {
            return try tape.rows(of: shard, rowsPerSample: 1, columns: width) { part in
                method.features(try reader.patches(of: part, from: source, on: tape), on: tape)
            }
        }
        let features = tape.input(rows: shard.windows.count, columns: width)
        let columns = settings.outputWidth + width
        for sample in 0..<features.rows {
            let end = (shard.firstPosition + sample + 1) * columns
            features.row(sample).update(from: gathered.rows.span.extracting(end - width..<end))
        }
        return features
    }

    /// Gives the outputs of the whole batch to a loss.
    private func withOutputs<Result>(
        _ own: Value, of shard: Shard, on tape: Tape, _ body: (EmbeddingBatch) -> Result
    ) -> Result {
        guard method.isFrozen, let gathered = shard.gathered else {
            return tape.withWholeBatch(own, of: shard, rowsPerSample: 1, body)
        }
        let (count, width) = (gathered.windows.count, own.columns)
        let columns = gathered.rows.count / count
        let outputs = tape.input(rows: count, columns: width)
        for sample in 0..<count {
            let start = sample * columns
            outputs.row(sample).update(
                from: gathered.rows.span.extracting(start..<start + width))
        }
        return body(
            EmbeddingBatch(
                rows: outputs, own: shard.firstPosition..<shard.firstPosition + shard.windows.count,
                gradientFactor: Double(gathered.logicalShards)))
    }

    /// Distances of all rows of a batch, found once.
    private struct Distances {
        private let table: [Double]
        private let count: Int

        init(_ batch: EmbeddingBatch, _ distance: TripletDistance) {
            count = batch.count
            table = (0..<count * count).map { [count] place in
                distance(batch.row(place / count), batch.row(place % count))
            }
        }

        func between(_ first: Int, _ second: Int) -> Double { table[first * count + second] }
    }
}
