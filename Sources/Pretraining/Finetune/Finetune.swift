import Configurations
import Electrocardiography
import Kernels
import NeuralNetworks
import Runtime
import Statistics
import Tensors

/// Supervised training on diagnoses: the encoder of another method, its read-out, and a linear head with a yes or no for
/// each superclass.
///
/// From random weights it is the control of any pretraining; from pretrained ones, lower layers move slower (layer-wise
/// decay: Clark et al., "ELECTRA", 2020; Bao et al., "BEiT", 2021).
public struct Finetune: ChoosesWindows, CompletesParameters, AdaptsWeights, KeepsState,
    ReportsValidation, Classifies
{
    /// The model's parameters: `encoder.*` as the base method names them, `head.pool.*`, `head.norm.*`, `head.weight` and, but
    /// behind attention, `head.bias`.
    public let parameters: ParameterList
    let settings: FinetuneConfiguration
    let encoder: any Encoder
    let input: InputConfiguration
    /// Numbers of the vector that the head gets.
    let dimension: Int
    /// What makes the vector where no read-out of the encoder does.
    private let pool: AttentionPool?
    private let norm: BatchNormalisation?
    private let head: Linear
    private let shardSize: Int

    /// Numbers that the head gives of a record.
    static let classes = Superclass.allCases.count

    /// The method that a configuration describes.
    ///
    /// - Parameters:
    ///   - settings: The method's own settings.
    ///   - configuration: What all methods share.
    public init(_ settings: FinetuneConfiguration, of configuration: Configuration) {
        self.settings = settings
        shardSize = configuration.shardSize
        var list = ParameterList()
        let encoder = settings.encoder.network(input: configuration.input, in: &list)
        guard
            let dimension = settings.readout.map(encoder.width) ?? encoder.layers.last?.width
        else {
            preconditionFailure("the encoder has no read-out '\(settings.pooling.rawValue)'")
        }
        pool =
            settings.readout == nil
            ? AttentionPool("head.pool", width: dimension, in: &list) : nil
        norm =
            settings.standardises
            ? BatchNormalisation("head.norm", width: dimension, in: &list) : nil
        head = Linear(
            "head", inputs: dimension, outputs: Self.classes, bias: pool == nil,
            initialiser: .normal(deviation: 0.02), in: &list)
        list.scaleLearningRates { name in
            ElementaryFunctions.power(
                settings.layerDecay, UInt64(encoder.layersBelowHead(name)))
                * encoder.partFactor(settings.learningRateFactor, of: name)
        }
        self.encoder = encoder
        self.dimension = dimension
        input = configuration.input
        parameters = list
    }

    /// The loss alone.
    public var metrics: [Metric] { [.loss] }

    /// What the head says of each record, and its classes.
    public var auxiliaryPerValidationBatch: Int { LabelledLogits.numbers(records: shardSize) }

    /// The encoder on all tokens, what pools them and the head.
    public var operationsPerSample: Double {
        let (all, onSignal) = encoder.multiplications
        let pooling =
            pool == nil
            ? 0 : AttentionPool.multiplications(tokens: pooledTokens, width: dimension)
        return trainingOperations(
            forward: all + pooling + Double(dimension * Self.classes), onSignal: onSignal,
            gathers: false)
    }

    /// The encoder's, and those of the read-out.
    public var activationsPerSample: Int {
        encoder.activations
            + (settings.readout.map(encoder.activations)
                ?? AttentionPool.activations(tokens: pooledTokens, width: dimension))
    }

    /// Tokens of a sample that attention goes over.
    private var pooledTokens: Int { encoder.layers.last?.tokens ?? 0 }

    /// Buffers for one thread.
    public func makeWorkspace() -> any ShardWorkspace { FinetuneWorkspace(self) }

    // MARK: Labels

    private var rule: LabelRule {
        LabelRule(
            minimumLikelihood: settings.labels.minimumLikelihood.map { Float($0) },
            dropsUnknown: settings.labels.dropsUnknown)
    }

    /// The superclasses of a window.
    func superclasses(of window: Int, in source: any WindowSource) -> Superclasses {
        source.superclasses(of: window, rule: rule)
    }

    /// Windows of records with a fold and a superclass; of those to train on the configured part of the patients.
    public func usable(
        _ windows: [Int], of source: any WindowSource, for role: Shard.Role, seed: UInt64
    ) throws -> [Int] {
        let labelled = windows.filter {
            source.facts(of: $0).fold != nil && !superclasses(of: $0, in: source).isEmpty
        }
        guard role == .training else { return labelled }
        guard !labelled.isEmpty else { throw FinetuneError.noLabels(windows: windows.count) }
        let patients = labelled.map { source.facts(of: $0).patient }
        let chosen = LabelSubset(
            patients: patients, classes: labelled.map { superclasses(of: $0, in: source) },
            seed: settings.labels.seed.map { UInt64($0) } ?? seed
        ).patients(fraction: settings.labels.fraction)
        return zip(labelled, patients).filter { chosen.contains($0.1) }.map(\.0)
    }

    // MARK: The computation

    /// The vectors that the head gets, before they are standardised.
    ///
    /// - Parameters:
    ///   - signals: As the encoder's reader gives them.
    ///   - pass: Whose signals they are.
    ///   - source: Where clinical features come from.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[samples, dimension]`.
    /// - Throws: As `Encoder.vectors`.
    func vectors(
        of signals: Value, _ pass: EncoderPass, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        if let readout = settings.readout {
            return try encoder.readOut(readout, of: signals, pass, from: source, on: tape)
        }
        let layers = try encoder.layerTokens(signals, pass, from: source, on: tape)
        guard let tokens = layers.last, let pool else {
            preconditionFailure("there are no tokens to attend to")
        }
        switch tokens {
        case .rows(let value):
            return pool(value, samples: pass.signals, areChannels: false, on: tape)
        case .channels(let value):
            return pool(value, samples: pass.signals, areChannels: true, on: tape)
        }
    }

    /// What the head says of vectors, shape `[samples, 5]`.
    func logits(_ vectors: Value, of shard: Shard, on tape: Tape) -> Value {
        var features =
            norm?(vectors, usesBatch: shard.role == .training, on: tape) ?? vectors
        if shard.role == .training, settings.dropout > 0 {
            features = tape.dropout(
                features, rate: Float(settings.dropout), runs: shard.windows.count
            ) { sample in
                RandomStream(
                    seed: shard.seed, purpose: .headDropout, step: shard.step,
                    position: UInt32(shard.firstPosition + sample))
            }
        }
        return head(features, on: tape)
    }

    // MARK: State

    /// Takes what the encoder needs of the training windows.
    public func complete(
        _ parameters: Parameters, from source: any WindowSource, windows: [Int]
    ) throws {
        try encoder.complete(parameters, from: source, windows: windows)
    }

    /// The base method's weights as they are; ECG-JEPA's fit the hybrid.
    public func encoderWeights(
        from given: [NamedTensor], parameters: Parameters
    ) -> [NamedTensor] {
        encoder.weights(from: given, parameters: parameters)
    }

    /// Moves running statistics.
    public func update(_ context: UpdateContext) -> [String: JSONValue] {
        encoder.update(context)
        norm?.update(context.parameters, statistic: context.statistic)
        return [:]
    }

    /// AUROC, the mean over the classes that have records on both sides.
    public func validationReport(
        auxiliary: [[Double]], parameters: Parameters
    ) -> [String: JSONValue] {
        let records = auxiliary.flatMap { LabelledLogits.read($0) }
        let (truths, logits) = (records.map(\.classes), records.map(\.logits))
        // A diverged head has no ranking; its loss says so.
        let ranked = Superclass.allCases.map { superclass in
            try? RankedScores(
                name: superclass.name, scores: logits.map { $0[superclass.rawValue] },
                truths: truths.map { $0.contains(Superclasses(superclass)) })
        }
        let areas = ranked.compactMap { $0?.auroc(counting: $0?.once ?? []) }
        guard !areas.isEmpty, ranked.allSatisfy({ $0 != nil }) else { return [:] }
        return ["auroc_macro": .measured(areas.reduce(0, +) / Double(areas.count))]
    }
}

/// Why fine-tuning cannot begin.
public enum FinetuneError: Error, Equatable, CustomStringConvertible {
    /// Nothing says what records show.
    case noLabels(windows: Int)

    /// What is wrong, and what to do.
    public var description: String {
        switch self {
        case .noLabels(let windows):
            "none of the \(windows) training windows is of a record with a fold and a diagnostic "
                + "superclass; prepare a source with labels, such as PTB-XL with its ptbxl_database.csv "
                + "and scp_statements.csv"
        }
    }
}

/// What the head says of a record of the validation set, and the record's classes.
private struct LabelledLogits {
    let classes: Superclasses
    let logits: [Double]

    /// Numbers that a validation batch of at most so many records travels as: how many there are, then each.
    static func numbers(records: Int) -> Int { 1 + records * (1 + Finetune.classes) }

    /// A validation batch's records as numbers.
    static func write(_ records: [LabelledLogits], to numbers: Numbers<Double>) {
        numbers[0] = Double(records.count)
        for (index, record) in records.enumerated() {
            let start = Self.numbers(records: index)
            numbers[start] = Double(record.classes.rawValue)
            for label in 0..<Finetune.classes { numbers[start + 1 + label] = record.logits[label] }
        }
    }

    /// A validation batch's records from their numbers.
    static func read(_ numbers: [Double]) -> [LabelledLogits] {
        (0..<Int(numbers[0])).map { index in
            let start = Self.numbers(records: index)
            return LabelledLogits(
                classes: Superclasses(rawValue: UInt8(numbers[start])),
                logits: Array(numbers[start + 1...start + Finetune.classes]))
        }
    }
}

extension FinetuneConfiguration: MethodBuilding {
    /// Fine-tuning.
    public func makeMethod(of configuration: Configuration) -> any PretrainingMethod {
        Finetune(self, of: configuration)
    }
}

/// The computation of a shard in one thread, with a reader that owns the thread's buffers.
private final class FinetuneWorkspace: ShardWorkspace {
    private let method: Finetune
    private let reader: any SignalReader
    private let augmentation: RandomAugmentation

    init(_ method: Finetune) {
        self.method = method
        reader = method.encoder.makeReader(method.input)
        augmentation = RandomAugmentation(
            method.settings.augmentation, leads: method.encoder.signalRows)
    }

    func forward(
        _ shard: Shard, from source: any WindowSource, report: ShardReport, on tape: Tape
    ) throws -> Value {
        let signals = try reader.signals(of: shard, from: source, on: tape)
        if shard.role == .training {
            augmentation.change(signals, of: shard)
        }
        let vectors = try method.vectors(
            of: signals, EncoderPass(shard), from: source, on: tape)
        let logits = method.logits(vectors, of: shard, on: tape)
        let truths = shard.windows.map { method.superclasses(of: $0, in: source) }
        let targets = tape.input(rows: logits.rows, columns: logits.columns)
        for (sample, classes) in truths.enumerated() {
            for superclass in Superclass.allCases {
                targets[sample, superclass.rawValue] =
                    classes.contains(Superclasses(superclass)) ? 1 : 0
            }
        }
        let (value, loss) = tape.binaryCrossEntropy(logits: logits, target: targets.numbers)
        report[.loss] = loss
        if shard.role == .validation {
            let records = truths.enumerated().map { sample, classes in
                LabelledLogits(classes: classes, logits: logits.row(sample).map { Double($0) })
            }
            LabelledLogits.write(records, to: report.auxiliary)
        }
        return value
    }
}
