extension RecoveredRun {
    /// What journals say, oldest record first; the checkpoints on the disk are the caller's to add.
    ///
    /// - Parameters:
    ///   - records: The records of all terms, in order.
    ///   - term: The term of the coordinator that starts.
    public init(replaying records: [JournalRecord], term: UInt32) {
        self.init()
        self.term = term
        for record in records {
            switch record {
            case .start: break
            case .generation(let number, let committed, let members, let numbers):
                generation = max(generation, number)
                self.committed = max(self.committed, committed)
                self.members = Dictionary(
                    zip(members, numbers), uniquingKeysWith: { first, _ in first })
            case .commit(let step, let checksum):
                committed = step + 1
                if let checksum { checksums[step] = checksum }
            case .checkpoint(let entry): checksums = checksums.filter { $0.key >= entry.step }
            case .rewind(let target):
                committed = target
                hasRewound = true
            case .end:
                // Whoever was a member has been sent home.
                members = [:]
            }
        }
    }
}
