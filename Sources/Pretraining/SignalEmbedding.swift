import NeuralNetworks

/// How the tokens that an encoder makes of a record become one vector.
public enum Readout: String, Sendable, CaseIterable {
    /// The mean over all tokens.
    case mean
    /// The mean over each lead's tokens, the leads side by side.
    case leads
    /// What the method's authors use, or what the method adds to the encoder.
    case own
}

/// A trained method as something that turns windows into vectors.
public protocol SignalEmbedding: Sendable {
    /// Numbers of a vector; `nil` where the method has no such read-out.
    func dimension(of readout: Readout) -> Int?

    /// Where the parts of a window begin whose vectors are averaged, as the method's authors choose them.
    func cropStarts(windowSamples: Int) -> [Int]

    /// Where the tokens stand that attention goes over; `nil` where there is none.
    var tokens: TokenPlaces? { get }

    /// Buffers for one thread.
    func makeWorkspace() -> any EmbeddingWorkspace
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

/// A thread's buffers for embedding windows.
public protocol EmbeddingWorkspace: AnyObject {
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
    func embed(
        window: Int, start: Int, readout: Readout, from source: any WindowSource, on tape: Tape
    ) throws -> Value
}
