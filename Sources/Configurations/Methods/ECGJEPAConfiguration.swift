extension MethodDescriptor {
    /// A joint-embedding predictive architecture.
    public static let ecgJEPA = MethodDescriptor(
        "ecg-jepa", ECGJEPAConfiguration.self, input: .jepa, optimizer: .jepa,
        encoder: EncoderDescriptor(keys: ["encoder", "dropPath", "signalGain"]) {
            (reader, shared) throws(ConfigurationError) in try reader.gridEncoder(shared.input)
        })
}

extension InputDefaults {
    /// Whole windows of 10 s, patches of 200 ms.
    static let jepa = InputDefaults(cropSamples: 2_500, patchSamples: 50)
}

extension OptimizerDefaults {
    /// As published.
    static var jepa: OptimizerDefaults {
        var defaults = OptimizerDefaults(
            learningRate: 5.5e-5, weightDecay: 0.05, warmupDivisor: 20, noDecay1d: true)
        defaults.minimumLearningRate = 1e-6
        defaults.schedule = .cosineFromStart
        defaults.initialLearningRate = 1e-6
        return defaults
    }
}

/// The settings of ECG-JEPA.
public struct ECGJEPAConfiguration: MethodConfiguration {
    /// How the masked times are drawn.
    public enum MaskKind: String, Sendable, CaseIterable {
        /// Four runs of patches, where they fall.
        case block
        /// Any patches.
        case random
    }

    /// The encoder's sizes, and the teacher's.
    public let encoder: TransformerConfiguration
    /// The predictor's sizes.
    public let predictor: TransformerConfiguration
    /// Whether queries, keys and values have a bias.
    public let qkvBias: Bool
    /// How the masked times are drawn.
    public let mask: MaskKind
    /// Whether runs may reach the last patch, which the published code never masks.
    public let maskFix: Bool
    /// Part of samples whose branches the last block drops.
    public let dropPath: Double
    /// Whether the teacher drops branches, too, as in the published code.
    public let teacherDropPath: Bool
    /// The teacher's momentum at the first step; it rises to 1 over the run.
    public let teacherMomentum: Double
    /// What signals in mV are multiplied by; 1 as published.
    ///
    /// Positions are of the size of 1 and are added before every block. Signals of a few tenths drown in them, so that
    /// features of different records hardly differ until training has been long.
    public let signalGain: Double

    /// Reads the keys.
    public init(
        from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError) {
        encoder = try reader.gridTransformer("encoder", width: 192, depth: 6, heads: 4)
        predictor = try reader.gridTransformer("predictor", width: 96, depth: 3, heads: 3)
        qkvBias = try reader.boolean("encoder.qkvBias", default: false)
        mask = try reader.choice("masking.kind", default: MaskKind.block)
        maskFix = try reader.boolean("masking.maskFix", default: false)
        dropPath = try reader.number("dropPath", default: 0.1, in: 0...0.9)
        teacherDropPath = try reader.boolean("teacher.dropPath", default: false)
        teacherMomentum = try reader.number("teacher.momentum", default: 0.996, in: 0...1)
        signalGain = try reader.signalGain()
        try shared.input.checkPatches()
        guard shared.input.patchesPerLead >= Self.patchesMin else {
            throw .contradiction(
                keys: ["input.cropSamples", "input.patchSamples"],
                problem:
                    "\(shared.input.patchesPerLead) patches of a lead are too few to mask runs of "
                    + "a fifth of them",
                remedy: "choose at least \(Self.patchesMin) patches")
        }
        try shared.input.checkUnfiltered()
        guard !maskFix || mask == .block else {
            throw .contradiction(
                keys: ["masking.maskFix", "masking.kind"],
                problem: "masks of the kind '\(mask.rawValue)' have no runs",
                remedy: "leave masking.maskFix out, or choose the kind 'block'")
        }
    }

    /// The least number of patches of which some are masked and some are seen, whatever is drawn.
    public static let patchesMin = 6
}

extension ConfigurationReader {
    /// What signals in mV are multiplied by.
    mutating func signalGain() throws(ConfigurationError) -> Double {
        try number("signalGain", default: 1, in: 0...10_000, above: true)
    }

    /// The sizes of a stack of blocks whose heads share the width, on positions of a time and a lead.
    mutating func gridTransformer(
        _ section: String, width: Int, depth: Int, heads: Int
    ) throws(ConfigurationError) -> TransformerConfiguration {
        let width = try integer("\(section).width", default: width, in: 4...65_536)
        guard width.isMultiple(of: 4) else {
            throw .contradiction(
                keys: ["\(section).width"], problem: "\(width) is no multiple of 4",
                remedy: "choose one: positions are sines and cosines of time and lead")
        }
        let heads = try integer("\(section).heads", default: heads, in: 1...1_024)
        guard width.isMultiple(of: heads) else {
            throw .contradiction(
                keys: ["\(section).width", "\(section).heads"],
                problem: "\(width) numbers cannot be shared by \(heads) heads",
                remedy: "choose heads among the divisors of the width")
        }
        return TransformerConfiguration(
            width: width,
            depth: try integer("\(section).depth", default: depth, in: 1...1_000), heads: heads,
            headWidth: width / heads,
            mlpWidth: try integer("\(section).mlpWidth", default: 4 * width, in: 1...1_048_576))
    }
}
