/// What is learnt.
public enum Method: String, Sendable, CaseIterable {
    /// Masked spatio-temporal modelling.
    case stMEM = "st-mem"
    /// A joint-embedding predictive architecture.
    case ecgJEPA = "ecg-jepa"
    /// ECG-JEPA with clinical parameters beside the signal.
    case hybrid
    /// One code for each token, trained from scratch.
    case vqFull = "vq-full"
    /// One code for a record, on a pretrained encoder.
    case vqFinetune = "vq-finetune"
    /// Two augmented views of a record find each other in the batch.
    case simCLR = "simclr"
    /// Two segments of a record find each other in the batch.
    case cmsc
    /// Predictions of what comes next in a record.
    case cpc
    /// Refinement of an ST-MEM encoder by diagnoses.
    case triplet
    /// Supervised training of another method's encoder on diagnoses.
    case finetune

    var inputDefaults: InputDefaults {
        switch self {
        case .stMEM, .vqFull, .vqFinetune, .simCLR, .cmsc, .cpc, .triplet, .finetune:
            InputDefaults(cropSamples: 2_250, patchSamples: 75)
        case .ecgJEPA, .hybrid: InputDefaults(cropSamples: 2_500, patchSamples: 50)
        }
    }

    var optimizerDefaults: OptimizerDefaults {
        switch self {
        case .stMEM, .vqFull, .vqFinetune: OptimizerDefaults()
        case .ecgJEPA, .hybrid: .jepa
        case .simCLR:
            OptimizerDefaults(
                learningRate: 2.5e-4, weightDecay: 1e-6, beta2: 0.999, noDecay1d: true)
        case .cmsc: OptimizerDefaults(learningRate: 1e-4, weightDecay: 0, beta2: 0.999)
        case .cpc: OptimizerDefaults(learningRate: 5e-4, weightDecay: 1e-3, beta2: 0.999)
        case .triplet: OptimizerDefaults(learningRate: 1.5e-4, weightDecay: 0, beta2: 0.999)
        case .finetune:
            OptimizerDefaults(
                learningRate: 5e-4, weightDecay: 0.05, beta2: 0.999, warmupDivisor: 10,
                noDecay1d: true)
        }
    }
}

/// How a method's parameters move where nobody says anything; as published, where something is.
struct OptimizerDefaults {
    var learningRate = 1.5e-4
    var weightDecay = 0.01
    var beta2 = 0.95
    /// The run warms up for one step in so many.
    var warmupDivisor = 50
    var minimumLearningRate = 0.0
    var schedule = OptimizerConfiguration.Schedule.cosineAfterWarmup
    var initialLearningRate = 0.0
    var noDecay1d = false

    static let jepa = OptimizerDefaults(
        learningRate: 5.5e-5, weightDecay: 0.05, beta2: 0.999, warmupDivisor: 20,
        minimumLearningRate: 1e-6, schedule: .cosineFromStart, initialLearningRate: 1e-6,
        noDecay1d: true)
}

/// What a method takes for a sample where nobody says anything.
struct InputDefaults {
    let cropSamples: Int
    let patchSamples: Int
}

/// What a method's own settings have to fit to.
struct SharedSettings {
    let input: InputConfiguration
    let batchSize: Int
    let logicalShards: Int
    let steps: Int
    let gradientBits: Int

    /// Samples of one logical shard, where the batch can be cut.
    var shardSize: Int { batchSize / logicalShards }
}

/// What a method has of its own beside what all share.
public enum MethodConfiguration: Sendable, Equatable {
    /// Masked spatio-temporal modelling.
    case stMEM(STMEMConfiguration)
    /// A joint-embedding predictive architecture.
    case ecgJEPA(ECGJEPAConfiguration)
    /// One code for each token, trained from scratch.
    case vqFull(VQFullConfiguration)
    /// One code for a record, on a pretrained encoder.
    case vqFinetune(VQFinetuneConfiguration)
    /// ECG-JEPA with clinical parameters beside the signal.
    case hybrid(HybridConfiguration)
    /// Two augmented views.
    case simCLR(SimCLRConfiguration)
    /// Two segments.
    case cmsc(CMSCConfiguration)
    /// Predictions.
    case cpc(CPCConfiguration)
    /// Refinement by diagnoses.
    case triplet(TripletConfiguration)
    /// Supervised training on diagnoses.
    case finetune(FinetuneConfiguration)

    init(
        _ method: Method, base: FinetuneConfiguration.Base, from reader: inout ConfigurationReader,
        shared: SharedSettings
    ) throws(ConfigurationError) {
        switch method {
        case .stMEM: self = .stMEM(try STMEMConfiguration(from: &reader, shared: shared))
        case .ecgJEPA: self = .ecgJEPA(try ECGJEPAConfiguration(from: &reader, shared: shared))
        case .vqFull: self = .vqFull(try VQFullConfiguration(from: &reader, shared: shared))
        case .vqFinetune:
            self = .vqFinetune(try VQFinetuneConfiguration(from: &reader, shared: shared))
        case .hybrid: self = .hybrid(try HybridConfiguration(from: &reader, shared: shared))
        case .simCLR: self = .simCLR(try SimCLRConfiguration(from: &reader, shared: shared))
        case .cmsc: self = .cmsc(try CMSCConfiguration(from: &reader, shared: shared))
        case .cpc: self = .cpc(try CPCConfiguration(from: &reader, shared: shared))
        case .triplet: self = .triplet(try TripletConfiguration(from: &reader, shared: shared))
        case .finetune:
            self = .finetune(try FinetuneConfiguration(base, from: &reader, shared: shared))
        }
    }
}

extension ConfigurationReader {
    /// The sizes of a stack of transformer blocks.
    mutating func transformer(
        _ section: String, width: Int, depth: Int, heads: Int, headWidth: Int = 64
    ) throws(ConfigurationError) -> TransformerConfiguration {
        let width = try integer("\(section).width", default: width, in: 2...65_536)
        guard width.isMultiple(of: 2) else {
            throw .contradiction(
                keys: ["\(section).width"], problem: "\(width) is odd",
                remedy: "choose an even width: positions are pairs of a sine and a cosine")
        }
        return TransformerConfiguration(
            width: width,
            depth: try integer("\(section).depth", default: depth, in: 1...1_000),
            heads: try integer("\(section).heads", default: heads, in: 1...1_024),
            headWidth: try integer("\(section).headWidth", default: headWidth, in: 1...4_096),
            mlpWidth: try integer("\(section).mlpWidth", default: 4 * width, in: 1...1_048_576))
    }
}

extension InputConfiguration {
    /// Refuses a filter where signals are taken as they are read.
    func checkUnfiltered() throws(ConfigurationError) {
        guard !filterBeforeCrop else {
            throw .contradiction(
                keys: ["input.filterBeforeCrop", "method"],
                problem: "this method takes signals as they are read, without a filter",
                remedy: "leave input.filterBeforeCrop out")
        }
    }

    /// Refuses a crop that is not whole patches.
    func checkPatches() throws(ConfigurationError) {
        guard cropSamples.isMultiple(of: patchSamples) else {
            throw .contradiction(
                keys: ["input.cropSamples", "input.patchSamples"],
                problem: "\(cropSamples) samples are not whole patches of \(patchSamples)",
                remedy: "choose a patch length that divides the crop")
        }
    }
}
