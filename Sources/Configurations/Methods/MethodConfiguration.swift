/// What is learnt.
public enum Method: String, Sendable, CaseIterable {
    /// Masked spatio-temporal modelling.
    case stMEM = "st-mem"

    var inputDefaults: InputDefaults {
        switch self {
        case .stMEM: InputDefaults(cropSamples: 2_250, patchSamples: 75)
        }
    }
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

    init(
        _ method: Method, from reader: inout ConfigurationReader, shared: SharedSettings
    ) throws(ConfigurationError) {
        switch method {
        case .stMEM: self = .stMEM(try STMEMConfiguration(from: &reader, shared: shared))
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
