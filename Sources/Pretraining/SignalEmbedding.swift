import Configurations
import NeuralNetworks

/// A trained method as something that turns windows into vectors: its encoder, with read-outs that the method adds or
/// replaces.
public struct SignalEmbedding: Sendable {
    /// Makes a vector of one sample's signals.
    public typealias Vector =
        @Sendable (
            _ signals: Value, _ pass: EncoderPass, _ source: any WindowSource, _ tape: Tape
        ) throws -> Value

    /// The network.
    public let encoder: any Encoder
    /// What a sample is.
    public let input: InputConfiguration
    /// Where the tokens stand that attention goes over; `nil` where there is none, or it is not to be looked at.
    public var tokens: TokenPlaces?
    private var readouts: [Readout: (dimension: Int, vector: Vector)] = [:]

    /// An encoder with its own read-outs, or with none.
    public init(
        _ encoder: any Encoder, input: InputConfiguration, readouts: [Readout] = Readout.allCases
    ) {
        self.encoder = encoder
        self.input = input
        tokens = encoder.tokens
        for readout in readouts {
            guard let dimension = encoder.width(of: readout) else { continue }
            set(readout, dimension: dimension) { signals, pass, source, tape in
                try encoder.readOut(readout, of: signals, pass, from: source, on: tape)
            }
        }
    }

    /// Adds a read-out, or replaces it.
    ///
    /// - Parameters:
    ///   - readout: Which one.
    ///   - dimension: Numbers of its vector.
    ///   - vector: Makes it, one row.
    public mutating func set(_ readout: Readout, dimension: Int, vector: @escaping Vector) {
        readouts[readout] = (dimension, vector)
    }

    /// The same with a read-out added or replaced.
    func with(_ readout: Readout, dimension: Int, vector: @escaping Vector) -> SignalEmbedding {
        var embedding = self
        embedding.set(readout, dimension: dimension, vector: vector)
        return embedding
    }

    /// Numbers of a vector; `nil` where the method has no such read-out.
    public func dimension(of readout: Readout) -> Int? { readouts[readout]?.dimension }

    /// Where the parts of a window begin whose vectors are averaged.
    public func cropStarts(windowSamples: Int) -> [Int] {
        encoder.cropStarts(windowSamples: windowSamples)
    }

    /// Buffers for one thread.
    public func makeWorkspace() -> EmbeddingWorkspace { EmbeddingWorkspace(self) }

    fileprivate func vector(_ readout: Readout) -> Vector {
        guard let found = readouts[readout] else {
            preconditionFailure("the method has no read-out '\(readout.rawValue)'")
        }
        return found.vector
    }
}

/// A thread's buffers for embedding windows.
public final class EmbeddingWorkspace {
    private let embedding: SignalEmbedding
    private let reader: any SignalReader

    init(_ embedding: SignalEmbedding) {
        self.embedding = embedding
        reader = embedding.encoder.makeReader(embedding.input)
    }

    /// The vector of one part of a window.
    ///
    /// - Parameters:
    ///   - window: Its number.
    ///   - start: The part's first sample.
    ///   - readout: Which vector; one that the method has.
    ///   - source: Where windows come from.
    ///   - tape: Emptied by the caller; it records nothing.
    /// - Returns: One row.
    /// - Throws: When the window cannot be read.
    public func embed(
        window: Int, start: Int, readout: Readout, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        let shard = Shard(
            seed: 0, step: 0, firstPosition: 0, windows: [window], role: .validation)
        let signal = try reader.signal(of: shard, start: start, from: source, on: tape)
        return try embedding.vector(readout)(signal, EncoderPass(shard), source, tape)
    }
}

/// Where the tokens of a transformer stand: rows of leads, columns of times.
public struct TokenPlaces: Sendable, Equatable {
    /// The lead of each row of tokens; `nil` for a row that was made of other signals.
    public let leads: [Int?]
    /// Tokens of a row.
    public let columns: Int
    /// Those of them that are patches of the signal, one after another; others are separators or clinical tokens.
    public let patches: Range<Int>
    /// Samples of a patch.
    public let patchSamples: Int
}
