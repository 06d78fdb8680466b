import Configurations
import Kernels
import NeuralNetworks
import Runtime

/// ECG-JEPA as a way to pretrain: eight leads as they are read, one mask for the whole batch, a teacher that follows.
public struct ECGJEPAPretraining: PretrainingMethod {
    /// The model.
    public let model: ECGJEPA
    private let settings: ECGJEPAConfiguration
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
    public var scalarNames: [String] { ["loss", "target_deviation", "target_sample_deviation"] }

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
        ECGJEPAWorkspace(model: model, settings: settings, input: input)
    }

    /// Moves the teacher towards the encoder, by less and less.
    public func update(_ context: UpdateContext) -> [String: JSONValue] {
        let momentum = MomentumSchedule(
            initial: settings.teacherMomentum, steps: context.totalSteps
        ).momentum(at: context.step)
        Teacher.move(model.teacherPairs, momentum: momentum, context: context)
        return ["teacher_momentum": .measured(momentum)]
    }
}

/// A moving average of an encoder.
enum Teacher {
    /// Moves every teacher's parameter towards its student's.
    static func move(
        _ pairs: [(student: Int, teacher: Int)], momentum: Double, context: UpdateContext
    ) {
        let parameters = context.parameters
        context.parallel(pairs.count) { index in
            let (student, teacher) = pairs[index]
            moveAverage(
                towards: parameters.values(of: student), average: parameters.values(of: teacher),
                momentum: momentum, count: parameters[student].count)
        }
    }
}

extension ECGJEPASizes {
    /// The sizes that a configuration gives.
    public init(_ settings: ECGJEPAConfiguration, input: InputConfiguration) {
        self.init()
        leads = IndependentLeads.numbers.count
        patchSamples = input.patchSamples
        patches = input.patchesPerLead
        width = settings.encoder.width
        depth = settings.encoder.depth
        heads = settings.encoder.heads
        hiddenWidth = settings.encoder.mlpWidth
        predictorWidth = settings.predictor.width
        predictorDepth = settings.predictor.depth
        predictorHeads = settings.predictor.heads
        predictorHiddenWidth = settings.predictor.mlpWidth
        qkvBias = settings.qkvBias
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

/// One thread's buffers for reading windows, and the computation of a shard on them.
private final class ECGJEPAWorkspace: ShardWorkspace {
    private let model: ECGJEPA
    private let settings: ECGJEPAConfiguration
    private let reader: IndependentLeadReader

    init(model: ECGJEPA, settings: ECGJEPAConfiguration, input: InputConfiguration) {
        self.model = model
        self.settings = settings
        reader = IndependentLeadReader(input: input)
    }

    func forward(
        _ shard: Shard, from source: any WindowSource, report: ShardReport, on tape: Tape
    ) throws -> Value {
        let patches = try reader.patches(of: shard, from: source, on: tape)
        let mask = ColumnMask(
            of: shard, rule: ColumnMaskRule(settings), columns: model.sizes.patches, on: tape)
        let drops = ECGJEPADrops(shard, settings: settings, leads: model.sizes.leads, on: tape)
        let outcome = model.outcome(patches, mask: mask, drops: drops, on: tape)
        report.scalars[0] = outcome.loss
        report.scalars[1] = FeatureSpread.overTokens(outcome.targets, on: tape)
        report.scalars[2] = FeatureSpread.overSamples(
            outcome.targets, samples: shard.windows.count, on: tape)
        return outcome.value
    }
}
