import Configurations
import Kernels
import NeuralNetworks
import Runtime

/// ECG-JEPA as a way to pretrain: eight leads as they are read, one mask for the whole batch, a teacher that follows.
public struct ECGJEPAPretraining: KeepsState {
    /// The model.
    public let model: ECGJEPA
    let settings: ECGJEPAConfiguration
    let input: InputConfiguration

    /// The method with its settings and what a sample is.
    public init(_ settings: ECGJEPAConfiguration, input: InputConfiguration) {
        model = ECGJEPA(sizes: ECGJEPASizes(settings, input: input))
        self.settings = settings
        self.input = input
    }

    /// The model's parameters.
    public var parameters: ParameterList { model.parameters }

    /// The loss, and how far the teacher's features spread over tokens and over samples at the same place: where they
    /// near 0, the loss falls for nothing.
    public var metrics: [Metric] { ECGJEPAWorkspace.metrics }

    /// The encoder as it is used downstream.
    public var embedding: SignalEmbedding? {
        SignalEmbedding(
            ECGJEPAEncoder(model.encoder, sizes: model.sizes, signalGain: settings.signalGain),
            input: input)
    }

    /// Products as they are computed, mean over all masks that can be drawn.
    public var operationsPerSample: Double {
        ECGJEPACosts(settings, sizes: model.sizes).operationsPerSample
    }

    /// The blocks' share of context and predictor, which is nearly all; the teacher keeps nothing.
    public var activationsPerSample: Int {
        ECGJEPACosts(settings, sizes: model.sizes).activationsPerSample
    }

    /// Buffers for one thread.
    public func makeWorkspace() -> any ShardWorkspace {
        let reader = IndependentLeadReader(input: input, gain: settings.signalGain)
        return ECGJEPAWorkspace(model: model, settings: settings) { shard, source, tape in
            try reader.patches(of: shard, from: source, on: tape)
        }
    }

    /// Moves the teacher towards the encoder, by less and less.
    public func update(_ context: UpdateContext) -> [String: JSONValue] {
        Teacher.follow(
            model.teacherPairs, initialMomentum: settings.teacherMomentum, context: context)
    }
}

/// A moving average of an encoder.
enum Teacher {
    /// Moves every teacher's parameter towards its student's; the momentum rises evenly to 1 over the run.
    ///
    /// - Returns: The momentum, for the step's line of metrics.
    static func follow(
        _ pairs: [(student: Int, teacher: Int)], initialMomentum: Double, context: UpdateContext
    ) -> [String: JSONValue] {
        let momentum = MomentumSchedule(initial: initialMomentum, steps: context.totalSteps)
            .momentum(at: context.step)
        let parameters = context.parameters
        context.parallel(pairs.count) { index in
            let (student, teacher) = pairs[index]
            moveAverage(
                towards: parameters.values(of: student), average: parameters.values(of: teacher),
                momentum: momentum)
        }
        return ["teacher_momentum": .measured(momentum)]
    }
}

extension ECGJEPAConfiguration: MethodBuilding {
    /// ECG-JEPA.
    public func makeMethod(of configuration: Configuration) -> any PretrainingMethod {
        ECGJEPAPretraining(self, input: configuration.input)
    }
}

extension Metric {
    /// How far the teacher's features spread over tokens.
    static let targetDeviation = Metric("target_deviation")
    /// How far they spread over samples at the same place.
    static let targetSampleDeviation = Metric("target_sample_deviation")
}

extension ECGJEPASizes {
    /// The sizes that a configuration gives.
    public init(_ settings: ECGJEPAConfiguration, input: InputConfiguration) {
        self.init(encoder: settings.encoder, qkvBias: settings.qkvBias, input: input)
        predictorWidth = settings.predictor.width
        predictorDepth = settings.predictor.depth
        predictorHeads = settings.predictor.heads
        predictorHiddenWidth = settings.predictor.mlpWidth
    }

    /// The sizes of an encoder of the eight leads, with a predictor of the default sizes.
    init(encoder: TransformerConfiguration, qkvBias: Bool, input: InputConfiguration) {
        self.init()
        leads = IndependentLeads.numbers.count
        patchSamples = input.patchSamples
        patches = input.patchesPerLead
        width = encoder.width
        depth = encoder.depth
        heads = encoder.heads
        hiddenWidth = encoder.mlpWidth
        self.qkvBias = qkvBias
    }
}

extension ColumnMaskRule {
    /// The rule that a configuration names.
    init(_ settings: ECGJEPAConfiguration) {
        switch settings.mask {
        case .block: self = .block(reachesEnd: settings.maskFix)
        case .random: self = .random
        }
    }
}

extension ColumnMask {
    /// A shard's mask: one for all shards of a training step, since it depends on seed and step alone; one of its own for each
    /// unit of the validation set, so that they measure many masks and always the same ones.
    init(of shard: Shard, rule: ColumnMaskRule, columns: Int, on tape: Tape) {
        var random = RandomStream(
            seed: shard.seed, purpose: .mask, step: shard.step,
            position: shard.role == .training ? 0 : UInt32(shard.firstPosition))
        self.init(drawnBy: rule, columns: columns, random: &random, on: tape)
    }
}

/// The computation of a shard in one thread, with a reader that owns the thread's buffers.
final class ECGJEPAWorkspace: ShardWorkspace {
    typealias Reader = (Shard, any WindowSource, Tape) throws -> Value

    static let metrics: [Metric] = [.loss, .targetDeviation, .targetSampleDeviation]

    private let model: ECGJEPA
    private let settings: ECGJEPAConfiguration
    private let patches: Reader

    /// A thread's computation.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - settings: Its settings.
    ///   - patches: Reads a shard's windows as patches of all rows.
    init(model: ECGJEPA, settings: ECGJEPAConfiguration, patches: @escaping Reader) {
        self.model = model
        self.settings = settings
        self.patches = patches
    }

    func forward(
        _ shard: Shard, from source: any WindowSource, report: ShardReport, on tape: Tape
    ) throws -> Value {
        let patches = try patches(shard, source, tape)
        let mask = ColumnMask(
            of: shard, rule: ColumnMaskRule(settings), columns: model.sizes.patches, on: tape)
        let drops = ECGJEPADrops(shard, settings: settings, leads: model.sizes.leads, on: tape)
        let outcome = model.outcome(patches, mask: mask, drops: drops, on: tape)
        report[.loss] = outcome.loss
        report[.targetDeviation] = FeatureSpread.overTokens(outcome.targets, on: tape)
        report[.targetSampleDeviation] = FeatureSpread.overSamples(
            outcome.targets, samples: shard.windows.count, on: tape)
        return outcome.value
    }
}
