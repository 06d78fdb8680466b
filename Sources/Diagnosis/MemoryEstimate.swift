/// What a worker will hold, from the sizes of the method alone: a few percent off, to warn beforehand.
public struct MemoryEstimate: Sendable, Equatable {
    /// Numbers that are trained.
    public let parameterCount: Int
    /// Memory of one worker; what no machine has is 256 TiB, so that the needs of many workers can be added up.
    public let bytes: Int

    /// What estimates end at: 256 TiB.
    static let most = 1 << 48

    /// Adds up what a worker holds.
    ///
    /// In units of the trained parameters: themselves 1, moments 2, local and reduced sums 1 each, the float gradients of
    /// each thread up to 1, and the shard of a checkpoint in writing, up to 3 for a lone worker. Then each thread's
    /// activations.
    ///
    /// - Parameters:
    ///   - parameterCount: Numbers that are trained.
    ///   - frozenCount: Numbers that are part of the state and not trained, such as a teacher's.
    ///   - activationsPerShard: Numbers that the backward pass needs of one shard.
    ///   - shardsInFlight: Shards that are computed at a time.
    ///   - workers: Workers of the run, among whom a checkpoint is shared out.
    public init(
        parameterCount: Int, frozenCount: Int, activationsPerShard: Int, shardsInFlight: Int,
        workers: Int
    ) {
        self.parameterCount = parameterCount
        // A checkpoint's 3 copies are shared out, and no shard is smaller than one file.
        let copies = 5 + shardsInFlight + (workers >= 3 ? 1 : 4 - workers)
        let frozenCopies = 2
        // Not in whole numbers: sizes that are only asked for may be beyond all of them.
        let numbers =
            Double(copies) * Double(parameterCount) + Double(frozenCopies) * Double(frozenCount)
            + Double(shardsInFlight) * Double(activationsPerShard)
        // 64 MiB for the program, the libraries and the buffers of connections.
        bytes = Int(min(4 * numbers + Double(64 << 20), Double(Self.most)))
    }
}
