import ClinicalParameters
import Configurations
import Kernels
import NeuralNetworks
import Runtime
import Tensors

/// ECG-JEPA with clinical tokens as a way to pretrain.
public struct HybridPretraining: KeepsState, CompletesParameters, AdaptsWeights,
    EmbedsSignalAlone
{
    /// The model.
    public let model: Hybrid
    let settings: HybridConfiguration
    let input: InputConfiguration

    /// The method with its settings and what a sample is.
    public init(_ settings: HybridConfiguration, input: InputConfiguration) {
        model = Hybrid(
            sizes: ECGJEPASizes(settings.jepa, input: input), segments: settings.tokens.segments)
        self.settings = settings
        self.input = input
    }

    /// The model's parameters.
    public var parameters: ParameterList { model.parameters }

    /// The loss, its two parts, and how far the teacher's features spread.
    public var metrics: [Metric] {
        [.loss, .predictionLoss, .auxiliaryLoss, .targetDeviation, .targetSampleDeviation]
    }

    private var encoder: HybridEncoder {
        HybridEncoder(
            encoder: model.encoder, statistics: model.statistics, sizes: model.sizes,
            signalGain: settings.jepa.signalGain)
    }

    /// The encoder as it is used downstream, with its clinical tokens.
    public var embedding: SignalEmbedding? { SignalEmbedding(encoder, input: input) }

    /// The encoder as half of pretraining's steps see it, with the clinical column left out.
    public var signalEmbedding: SignalEmbedding {
        var alone = encoder
        alone.hasClinicalTokens = false
        return SignalEmbedding(alone, input: input)
    }

    /// Products as they are computed, mean over all masks and column drops.
    public var operationsPerSample: Double { costs.operationsPerSample }
    /// The blocks' share of context and predictor.
    public var activationsPerSample: Int { costs.activationsPerSample }

    private var costs: ECGJEPACosts {
        ECGJEPACosts(
            settings.jepa, sizes: model.sizes, extraTargetColumns: 1,
            extraContextColumns: 1 - settings.columnDrop,
            extraColumnInputs: ClinicalTokens.inputs(segments: settings.tokens.segments),
            headOutputs: ClinicalTokens.features)
    }

    /// Buffers for one thread.
    public func makeWorkspace() -> any ShardWorkspace {
        HybridWorkspace(model: model, settings: settings, input: input)
    }

    /// Takes the features' statistics of the training windows, unless weights brought theirs.
    public func complete(
        _ parameters: Parameters, from source: any WindowSource, windows: [Int]
    ) {
        encoder.complete(parameters, from: source, windows: windows)
    }

    /// ECG-JEPA's encoder fits: its position table gets the clinical column, and the clinical tokens' weights stay as they
    /// are.
    public func encoderWeights(
        from given: [NamedTensor], parameters: Parameters
    ) -> [NamedTensor] {
        encoder.weights(from: given, parameters: parameters)
    }

    /// Moves the teacher towards the encoder, by less and less.
    public func update(_ context: UpdateContext) -> [String: JSONValue] {
        Teacher.follow(
            model.teacherPairs, initialMomentum: settings.jepa.teacherMomentum, context: context)
    }
}

extension HybridConfiguration: MethodBuilding {
    /// The hybrid in its layout.
    public func makeMethod(of configuration: Configuration) -> any PretrainingMethod {
        switch layout {
        case .tokens: HybridPretraining(self, input: configuration.input)
        case .channels: HybridChannelsPretraining(self, input: configuration.input)
        }
    }
}

extension Metric {
    /// ECG-JEPA's part of the loss.
    static let predictionLoss = Metric("prediction_loss")
}

/// One thread's buffers for reading windows, and the computation of a shard on them.
private final class HybridWorkspace: ShardWorkspace {
    private let model: Hybrid
    private let settings: HybridConfiguration
    private let reader: IndependentLeadReader

    init(model: Hybrid, settings: HybridConfiguration, input: InputConfiguration) {
        self.model = model
        self.settings = settings
        reader = IndependentLeadReader(input: input, gain: settings.jepa.signalGain)
    }

    func forward(
        _ shard: Shard, from source: any WindowSource, report: ShardReport, on tape: Tape
    ) throws -> Value {
        let patches = try reader.patches(of: shard, from: source, on: tape)
        let clinical = try ClinicalBatch(
            of: shard, from: source, statistics: model.statistics, on: tape)
        let outcome = model.outcome(
            patches, clinical: clinical,
            mask: ColumnMask(
                of: shard, rule: ColumnMaskRule(settings.jepa), columns: model.sizes.patches,
                on: tape),
            drops: ClinicalDrops(
                shard, column: settings.columnDrop, feature: settings.tokens.featureDrop),
            branches: ECGJEPADrops(
                shard, settings: settings.jepa, leads: model.sizes.leads, on: tape),
            weight: settings.auxiliaryWeight, on: tape)
        report[.loss] = outcome.loss
        report[.predictionLoss] = outcome.predictionLoss
        report[.auxiliaryLoss] = outcome.auxiliaryLoss
        report[.targetDeviation] = FeatureSpread.overTokens(outcome.targets, on: tape)
        report[.targetSampleDeviation] = FeatureSpread.overSamples(
            outcome.targets, samples: shard.windows.count, on: tape)
        return outcome.value
    }
}
