import Configurations

/// How records become vectors.
public struct EmbeddingSettings: Sendable {
    /// Which vectors are taken of an encoder.
    public var readout: Readout
    /// Whether the middle of each window is enough.
    public var centreCropOnly: Bool
    /// Compute threads; any number gives the same bits.
    public var threads: Int

    /// Settings by name.
    public init(readout: Readout = .mean, centreCropOnly: Bool = false, threads: Int = 1) {
        (self.readout, self.centreCropOnly, self.threads) = (readout, centreCropOnly, threads)
    }
}
