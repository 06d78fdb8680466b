import Runtime

/// Where the network takes sums from and puts them: the replica's edge, which knows bytes alone.
extension TrainingReplica {
    /// The sums of the shards that were added here.
    public var localSums: UnsafeMutableRawBufferPointer { sums.local.storage.bytes }
    /// Where the sums over all members go.
    public var reducedSums: UnsafeMutableRawBufferPointer { reduced.storage.bytes }

    /// CRC-32 of the reduced sums and the joined summaries.
    public func reducedChecksum() -> UInt32 {
        let sums = CRC32.checksum(of: UnsafeRawBufferPointer(reduced.storage.bytes))
        return (concluded?.encoded() ?? []).withUnsafeBytes { CRC32.checksum(of: $0, after: sums) }
    }
}
