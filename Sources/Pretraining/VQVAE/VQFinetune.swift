import Configurations
import Kernels
import NeuralNetworks

/// The study's model with what keeps its codebook in use: the pooled feature of a pretrained encoder becomes one code,
/// from which the whole record is rebuilt.
struct VQFinetune: Sendable {
    let quantiser: VectorQuantiser
    let parameters: ParameterList
    private let settings: VQFinetuneConfiguration
    let encoder: STMEMEncoder
    private let head: VQVAEHead
    private let standardisation: Standardisation?
    private let shardSize: Double

    /// Where the running statistics of the pooled feature are.
    private struct Standardisation: Sendable {
        let mean: Int
        let variance: Int
        let batches: Int
        let deviations: Int
        let squares: Int

        init(columns: Int, in list: inout ParameterList) {
            mean = list.add("feature.mean", shape: [columns], .zeros, isTrained: false)
            variance = list.add("feature.variance", shape: [columns], .ones, isTrained: false)
            batches = list.add("feature.batches", shape: [1], .zeros, isTrained: false)
            deviations = list.addStatistic("feature.deviations", shape: [columns])
            squares = list.addStatistic("feature.squares", shape: [columns])
        }
    }

    init(
        _ settings: VQFinetuneConfiguration, input: InputConfiguration, batchSize: Int,
        logicalShards: Int
    ) {
        self.settings = settings
        shardSize = Double(batchSize / logicalShards)
        var list = ParameterList()
        let sizes = STMEMSizes(encoder: settings.encoder, input: input)
        encoder = STMEMEncoder(sizes: sizes, trainsPositions: !settings.freezeEncoder, in: &list)
        if settings.freezeEncoder { list.freeze(0..<list.specifications.count) }
        standardisation =
            settings.standardiseFeature ? Standardisation(columns: sizes.width, in: &list) : nil
        head = VQVAEHead(
            width: sizes.width, latent: settings.latentWidth, hidden: settings.hiddenWidth,
            outputs: input.leads * input.cropSamples, in: &list)
        quantiser = VectorQuantiser(
            settings.quantiser, width: settings.latentWidth, vectorsPerBatch: batchSize,
            logicalShards: logicalShards, in: &list)
        parameters = list
    }

    /// What the encoder says of each record, standardised by what it said of the batches before.
    ///
    /// - Parameters:
    ///   - patches: Shape `[samples * leads * patches, patchSamples]`.
    ///   - tape: Where the computation is recorded; a frozen encoder's part is not gone back over.
    /// - Returns: Shape `[samples, width]`.
    private func feature(of patches: Value, on tape: Tape) -> Value {
        let feature = encoder.pooled(
            patches, frozenBlocks: settings.freezeEncoder ? settings.encoder.depth : 0, on: tape)
        guard let standardisation else { return feature }
        let running = RunningStandardisation(
            columns: feature.columns, means: tape.parameter(standardisation.mean).numbers,
            variances: tape.parameter(standardisation.variance).numbers,
            batches: tape.parameter(standardisation.batches).numbers)
        if let deviations = tape.statistic(standardisation.deviations),
            let squares = tape.statistic(standardisation.squares)
        {
            running.measure(feature, deviations: deviations, squares: squares)
        }
        let scales = tape.numbers(feature.columns, of: Float.self)
        running.fillScales(scales)
        return tape.standardised(feature, means: running.means, scales: scales)
    }

    /// The head's latent vector of each record.
    func latent(of patches: Value, on tape: Tape) -> Value {
        head.latent(of: feature(of: patches, on: tape), on: tape)
    }

    /// A shard's loss: the squared error of the rebuilt records over their variance, and the quantiser's part.
    ///
    /// - Parameters:
    ///   - patches: Shape `[samples * leads * patches, patchSamples]`.
    ///   - shard: Whose they are.
    ///   - report: Receives the method's numbers.
    ///   - tape: Where the computation is recorded.
    /// - Returns: A 1 x 1 value.
    func loss(_ patches: Value, of shard: Shard, report: ShardReport, on tape: Tape) -> Value {
        let outcome = quantiser.quantise(
            latent(of: patches, on: tape), of: shard, auxiliary: report.auxiliary, on: tape)
        let isTraining = shard.role == .training
        let rebuilt = head.decode(
            outcome.value,
            dropout: isTraining && settings.dropout > 0
                ? (
                    rate: Float(settings.dropout),
                    random: { row in
                        RandomStream(
                            seed: shard.seed, purpose: .dropout, step: shard.step,
                            position: UInt32(shard.firstPosition + row))
                    }
                ) : nil, on: tape)
        let (value, reconstruction) = tape.meanSquaredError(
            rebuilt, target: patches, over: variance(patches.numbers))
        report.take(outcome, reconstruction: reconstruction)
        return outcome.loss.map { tape.total(value, $0, weight: 1) } ?? value
    }

    /// The variance of a shard's signal; 1 where it has none.
    private func variance(_ x: Numbers<Float>) -> Double {
        let mean = sum(x) / Float(x.count)
        let variance = Double(sumOfSquaredDeviations(x, from: mean)) / Double(x.count)
        return variance > 0 ? variance : 1
    }

    /// Moves the running statistics.
    func followFeature(_ context: UpdateContext) {
        guard let standardisation else { return }
        let parameters = context.parameters
        let count = parameters[standardisation.mean].count
        let deviations = context.statistic(standardisation.deviations).map {
            Double($0) / shardSize
        }
        let squares = context.statistic(standardisation.squares).map { Double($0) / shardSize }
        RunningStandardisation(
            columns: count, means: parameters.values(of: standardisation.mean),
            variances: parameters.values(of: standardisation.variance),
            batches: parameters.values(of: standardisation.batches)
        ).follow(deviations: { deviations[$0] }, squares: { squares[$0] })
    }
}
