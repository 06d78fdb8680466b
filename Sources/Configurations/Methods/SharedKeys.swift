extension ConfigurationReader {
    /// The sizes of a stack of transformer blocks.
    ///
    /// - Parameters:
    ///   - section: The section that has them.
    ///   - width: Numbers in a token where nobody says anything.
    ///   - depth: Blocks where nobody says anything.
    ///   - heads: Heads of a block where nobody says anything.
    ///   - headWidth: Numbers of a head where nobody says anything.
    /// - Returns: The sizes.
    /// - Throws: `ConfigurationError` for sizes that are out of range.
    public mutating func transformer(
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

extension ConfigurationReader {
    /// How many negatives a prediction has; 0, and the key passed over with a notice, where all others are taken.
    mutating func negativeCount(
        default fallback: Int, areDrawn: Bool, from word: String
    ) throws(ConfigurationError) -> Int {
        guard areDrawn else {
            passOver(
                "negatives.count",
                because: "with negatives.from '\(word)' nothing is drawn, all others are taken")
            return 0
        }
        return try integer("negatives.count", default: fallback, in: 1...65_536)
    }
}

extension InputConfiguration {
    /// Refuses a filter where signals are taken as they are read.
    public func checkUnfiltered() throws(ConfigurationError) {
        guard !filterBeforeCrop else {
            throw .contradiction(
                keys: ["input.filterBeforeCrop", "method"],
                problem: "this method takes signals as they are read, without a filter",
                remedy: "leave input.filterBeforeCrop out")
        }
    }

    /// Refuses crops that run on into the next window where a window's clinical parameters are part of the input.
    public func checkCropsEndInWindow() throws(ConfigurationError) {
        guard crops == .window else {
            throw .contradiction(
                keys: ["input.crops", "method"],
                problem:
                    "the clinical parameters that this encoder sees beside the signal are those "
                    + "of one window, and a crop of two has none",
                remedy: "leave input.crops out")
        }
    }

    /// Refuses a crop that is not whole patches.
    public func checkPatches() throws(ConfigurationError) {
        guard cropSamples.isMultiple(of: patchSamples) else {
            throw .contradiction(
                keys: ["input.cropSamples", "input.patchSamples"],
                problem: "\(cropSamples) samples are not whole patches of \(patchSamples)",
                remedy: "choose a patch length that divides the crop")
        }
    }
}
