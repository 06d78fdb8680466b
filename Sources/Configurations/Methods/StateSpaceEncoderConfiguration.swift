/// The sizes of a network of state spaces: a stem that makes tokens of a signal, then layers of state spaces.
public struct StateSpaceEncoderConfiguration: EncoderConfiguration {
    /// What makes tokens of a signal.
    public enum Stem: String, Sendable, CaseIterable {
        /// A convolution over three samples, at every second one, and three maps of single times, each normalised over the
        /// shard and rectified: that of ECG-CPC.
        case strided
        /// An affine map of the leads at each sample: a token a sample, as the supervised S4 has it.
        case linear

        /// Samples from one token to the next.
        public var samplesPerToken: Int { self == .strided ? 2 : 1 }
    }

    /// What the network takes for signals.
    public enum Signals: Sendable, Equatable {
        /// As they are, in mV, at a rate of the network's own, whatever the windows have.
        case millivolts(sampleRateHz: Double)
        /// As the method gives them: at the rate of the windows, filtered and standardised.
        case standardised
    }

    /// What makes tokens of a signal.
    public let stem: Stem
    /// Whether a token sees what comes after it.
    public let isBidirectional: Bool
    /// What the network takes for signals.
    public let signals: Signals
    /// Channels.
    public let width: Int
    /// Layers of state spaces.
    public let depth: Int
    /// Numbers of a channel's state.
    public let state: Int
    /// Tokens of a chunk, which decides the last bits of a result.
    public let chunk: Int
    /// The length that stored weights are for, in tokens.
    public let length: Int
    /// Part of the channels that training sets to 0 in each layer, twice.
    public let dropout: Double

    /// Samples of a crop as the network sees it.
    public func samples(of input: InputConfiguration) -> Int { signals.samples(of: input) }

    /// Tokens of a crop.
    public func tokens(of input: InputConfiguration) -> Int {
        signals.tokens(of: input, stem: stem)
    }

    /// Tokens a second.
    public func tokenRateHz(of input: InputConfiguration) -> Double {
        signals.sampleRateHz(of: input) / Double(stem.samplesPerToken)
    }

    /// The stem, and the last layer.
    public var summedLayers: Int { 2 }

    /// Vectors of all tokens; tokens have seen all leads.
    public func readout(for pooling: FinetuneConfiguration.Pooling) -> Readout? {
        pooling == .leads ? nil : readout(ofTokens: pooling)
    }
}

extension StateSpaceEncoderConfiguration.Signals {
    /// Samples a second that the network sees.
    public func sampleRateHz(of input: InputConfiguration) -> Double {
        switch self {
        case .millivolts(let sampleRateHz): sampleRateHz
        case .standardised: input.sampleRateHz
        }
    }

    /// Samples of a crop as the network sees it; no more than any length that it takes.
    func samples(of input: InputConfiguration) -> Int {
        guard case .millivolts(let rate) = self else { return input.cropSamples }
        return Int(min(Double(input.cropSamples) * rate / input.sampleRateHz, 1e9))
    }

    /// Tokens of a crop.
    func tokens(of input: InputConfiguration, stem: StateSpaceEncoderConfiguration.Stem) -> Int {
        (samples(of: input) + stem.samplesPerToken - 1) / stem.samplesPerToken
    }
}

extension ConfigurationReader {
    /// A network of state spaces for signals in mV, at a rate that the configuration names.
    mutating func stateSpaceEncoder(
        _ shared: SharedSettings
    ) throws(ConfigurationError) -> StateSpaceEncoderConfiguration {
        try shared.input.checkUnfiltered()
        let rate = try number(
            "encoder.sampleRateHz", default: 240, in: 1...100_000, isInDigestByDefault: false)
        return try stateSpaceEncoder(
            shared, input: shared.input, signals: .millivolts(sampleRateHz: rate))
    }

    /// A network of state spaces.
    ///
    /// - Parameters:
    ///   - shared: What it has to fit to.
    ///   - input: What it gets at a time.
    ///   - signals: What it takes for signals.
    /// - Returns: Its sizes.
    /// - Throws: `ConfigurationError` for sizes that are out of range, or do not fit the signals.
    mutating func stateSpaceEncoder(
        _ shared: SharedSettings, input: InputConfiguration,
        signals: StateSpaceEncoderConfiguration.Signals
    ) throws(ConfigurationError) -> StateSpaceEncoderConfiguration {
        let stem = try choice(
            "encoder.stem", default: StateSpaceEncoderConfiguration.Stem.strided,
            isInDigestByDefault: false)
        if stem == .strided { try shared.checkGradientBits(because: "encoder.stem") }
        let samples = signals.samples(of: input)
        guard samples >= 4 else {
            throw .contradiction(
                keys: ["input.cropSamples", "input.sampleRateHz"],
                problem:
                    "a crop has \(samples) samples at \(signals.sampleRateHz(of: input)) Hz",
                remedy: "choose a longer crop")
        }
        let width = try integer("encoder.width", default: 128, in: 1...65_536)
        // A dropout of a sample has one place for random numbers in each of eight layers.
        let depth = try integer("encoder.depth", default: 4, in: 1...8)
        let state = try integer("encoder.state", default: 8, in: 2...64)
        guard state.isMultiple(of: 2) else {
            throw .contradiction(
                keys: ["encoder.state"], problem: "\(state) is odd",
                remedy: "choose an even number: states are conjugate pairs")
        }
        return StateSpaceEncoderConfiguration(
            stem: stem,
            isBidirectional: try boolean(
                "encoder.bidirectional", default: false, isInDigestByDefault: false),
            signals: signals, width: width, depth: depth, state: state,
            chunk: try integer("encoder.chunk", default: 24, in: 1...256),
            length: try integer(
                "encoder.length", default: signals.tokens(of: input, stem: stem),
                in: 1...1_000_000),
            dropout: try number("encoder.dropout", default: 0.2, in: 0...0.9))
    }
}
