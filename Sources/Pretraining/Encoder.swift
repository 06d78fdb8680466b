import Configurations
import Kernels
import NeuralNetworks
import Tensors

/// A network that turns windows of signal into tokens and vectors: what a method trains, and all that is used of it
/// afterwards.
///
/// Implemented once a network. A value without state: what is trained is in the parameters that were added to a list when
/// it was made, `encoder.` before each name.
public protocol Encoder: Sendable {
    /// Rows of signal of a sample, such as leads.
    var signalRows: Int { get }

    /// Numbers of a vector of `mean`, `leads` or `method`; `nil` where the network has no such read-out.
    func dimension(of readout: Readout) -> Int?

    /// The layers that `moments` and `layers` sum up: an early one, where there is one, and the last.
    var layers: [LayerShape] { get }

    /// The tokens of `layers`, in their order.
    ///
    /// - Parameters:
    ///   - signals: Shape `[samples * signalRows, n]`, as the network's reader gives them.
    ///   - pass: Whose signals they are.
    ///   - source: Where clinical features come from.
    ///   - tape: Where the computation is recorded.
    /// - Returns: As many as there are layers.
    /// - Throws: As `vectors`.
    func layerTokens(
        _ signals: Value, _ pass: EncoderPass, from source: any WindowSource, on tape: Tape
    ) throws -> [LayerTokens]

    /// Where the tokens stand that attention goes over; `nil` where there is none.
    var tokens: TokenPlaces? { get }

    /// Where the parts of a window begin whose vectors are averaged, as the network's authors choose them.
    func cropStarts(windowSamples: Int) -> [Int]

    /// Whether windows need clinical features beside their signal.
    var needsClinicalFeatures: Bool { get }

    /// What reads windows as the network gets them; it owns buffers, so each thread has its own.
    ///
    /// - Parameter input: What a sample is; its crop is as long as the network's signals.
    /// - Returns: One thread's reader.
    func makeReader(_ input: InputConfiguration) -> any SignalReader

    /// Signals to vectors.
    ///
    /// - Parameters:
    ///   - signals: Shape `[samples * signalRows, n]`, as the network's reader gives them.
    ///   - readout: Which vector: `mean`, `leads` or `method`, if the network has it; others are made of `layers`.
    ///   - pass: Whose signals they are.
    ///   - source: Where clinical features come from.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[samples, dimension]`.
    /// - Throws: Where the state lacks what the network takes from the data, such as statistics.
    func vectors(
        _ signals: Value, _ readout: Readout, _ pass: EncoderPass, from source: any WindowSource,
        on tape: Tape
    ) throws -> Value

    // MARK: Training

    /// Layers, for learning rates that fall from layer to layer.
    var depth: Int { get }

    /// How many layers a parameter lies below the head: 0 for the last normalisation, 1 for the last layer, and one
    /// more than there are layers for what makes tokens of the signal.
    func layersBelowHead(_ parameter: String) -> Int

    /// Multiplications of a forward pass over one sample, and those among them whose input is the signal itself, which
    /// has no gradient.
    var multiplications: (all: Double, onSignal: Double) { get }

    /// Numbers that the backward pass needs of one sample.
    var activations: Int { get }

    /// Completes the parameters of step 0 with what depends on the training windows, unless weights brought it.
    func complete(_ parameters: Parameters, from source: any WindowSource, windows: [Int]) throws

    /// Makes another network's weights fit this one.
    ///
    /// - Parameters:
    ///   - given: Names without a prefix.
    ///   - parameters: Of step 0, for what is not given.
    /// - Returns: Weights of all parameters of this network, where they can be made to fit; `given` otherwise.
    func weights(from given: [NamedTensor], parameters: Parameters) -> [NamedTensor]

    /// Moves what the network keeps beside its weights, such as running statistics, after a step.
    func update(_ context: UpdateContext)
}

extension Encoder {
    /// There is nothing to sum up.
    public var layers: [LayerShape] { [] }
    /// There is nothing to sum up.
    public func layerTokens(
        _ signals: Value, _ pass: EncoderPass, from source: any WindowSource, on tape: Tape
    ) -> [LayerTokens] {
        []
    }
    /// The signal is enough.
    public var needsClinicalFeatures: Bool { false }
    /// There is nothing to complete.
    public func complete(
        _ parameters: Parameters, from source: any WindowSource, windows: [Int]
    ) {}
    /// As they are.
    public func weights(from given: [NamedTensor], parameters: Parameters) -> [NamedTensor] {
        given
    }
    /// There is nothing to move.
    public func update(_ context: UpdateContext) {}

    /// By names such as `encoder.block3` and `encoder.encoder_blocks.blocks.3`.
    public func layersBelowHead(_ parameter: String) -> Int {
        let parts = parameter.split(separator: ".").map(String.init)
        guard parts.count > 1, parts[0] == "encoder" else { return 0 }
        if ["norm", "head"].contains(parts[1]) { return 0 }
        let number =
            parts[1].hasPrefix("block")
            ? Int(parts[1].dropFirst("block".count))
            : parts.firstIndex(of: "blocks").flatMap { Int(parts[$0 + 1]) }
        return number.map { depth - $0 } ?? depth + 1
    }
}

extension Encoder {
    /// What the learning rate of a parameter is multiplied by where each part moves by a factor slower than the one above it:
    /// head, layers, what makes tokens of the signal.
    func partFactor(_ factor: Double, of parameter: String) -> Double {
        guard parameter.hasPrefix("encoder.") else { return 1 }
        return layersBelowHead(parameter) > depth ? factor * factor : factor
    }

    /// Where the first crop, the middle one and the last begin.
    func middleAndEnds(windowSamples: Int, crop: Int) -> [Int] {
        let slack = windowSamples - crop
        return slack == 0 ? [0] : [0, slack / 2, slack]
    }
}

/// A network that takes crops of all leads, filtered and standardised.
public protocol CropEncoder: Encoder {
    /// Samples of a crop.
    var samples: Int { get }
}

extension CropEncoder {
    /// The first, the middle and the last, as ST-MEM's authors do.
    public func cropStarts(windowSamples: Int) -> [Int] {
        middleAndEnds(windowSamples: windowSamples, crop: samples)
    }

    /// Crops, filtered and standardised.
    public func makeReader(_ input: InputConfiguration) -> any SignalReader {
        WindowReader(input: input)
    }
}

/// Settings that a network can be made of.
public protocol EncoderBuilding: EncoderConfiguration {
    /// Makes the network.
    ///
    /// - Parameters:
    ///   - input: What a sample is; the network takes its crop.
    ///   - list: Gets the parameters.
    /// - Returns: The network.
    func makeEncoder(input: InputConfiguration, in list: inout ParameterList) -> any Encoder
}

extension EncoderConfiguration {
    /// The network of these settings.
    func network(input: InputConfiguration, in list: inout ParameterList) -> any Encoder {
        guard let settings = self as? any EncoderBuilding else {
            preconditionFailure("\(Self.self) does not conform to EncoderBuilding")
        }
        return settings.makeEncoder(input: input, in: &list)
    }
}

/// Whose signals an encoder gets, and whether it is trained on them.
public struct EncoderPass: Sendable {
    /// The samples; what is drawn for them depends on seed, step and their places in the batch.
    public let shard: Shard
    /// Signals of a sample, all in one pass or one by one.
    private let signalsPerSample: Int
    /// The number of the sample's signal that the pass is for, where they are computed one by one.
    private let firstSignal: Int
    /// Signals that follow each other in the pass and belong to one sample.
    private let signalsTogether: Int

    /// A pass over signals of a shard.
    ///
    /// - Parameters:
    ///   - shard: Whose samples they are.
    ///   - signalsPerSample: Signals of a sample, such as views.
    ///   - only: The number of the signal that the pass is for; all of a sample follow each other when left out.
    public init(_ shard: Shard, signalsPerSample: Int = 1, only: Int? = nil) {
        self.shard = shard
        self.signalsPerSample = signalsPerSample
        firstSignal = only ?? 0
        signalsTogether = only == nil ? signalsPerSample : 1
    }

    /// Whether the signals' own statistics normalise them and numbers are dropped.
    public var isTraining: Bool { shard.role == .training }

    /// Signals of the pass.
    var signals: Int { shard.windows.count * signalsTogether }

    /// Layers that may drop numbers.
    private static let layerLimit = 8

    /// The random numbers of a dropout, by seed, step, and the signal's place in the batch.
    func dropoutStream(signal: Int, layer: Int) -> RandomStream {
        let (sample, own) = signal.quotientAndRemainder(dividingBy: signalsTogether)
        let place = (shard.firstPosition + sample) * signalsPerSample + firstSignal + own
        return RandomStream(
            seed: shard.seed, purpose: .dropout, step: shard.step,
            position: UInt32(place * Self.layerLimit + layer))
    }
}

/// Reads windows as a network gets them.
public protocol SignalReader: AnyObject {
    /// A shard's signals: parts of windows at random in training, from the middle otherwise.
    ///
    /// - Parameters:
    ///   - shard: Which samples.
    ///   - source: Where windows come from.
    ///   - tape: Whose arena keeps the signals.
    /// - Returns: The rows of all samples, or their patches.
    /// - Throws: When a window cannot be read.
    func signals(of shard: Shard, from source: any WindowSource, on tape: Tape) throws -> Value

    /// One window's part from a given sample on.
    ///
    /// - Parameters:
    ///   - shard: Of one sample, that is not trained on.
    ///   - start: The part's first sample.
    ///   - source: Where windows come from.
    ///   - tape: Whose arena keeps the signal.
    /// - Returns: As `signals(of:from:on:)`.
    /// - Throws: When the window cannot be read.
    func signal(
        of shard: Shard, start: Int, from source: any WindowSource, on tape: Tape
    ) throws -> Value
}
