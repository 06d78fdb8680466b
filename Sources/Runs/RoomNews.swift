import Runtime

/// News about room on the disk for a file that grows.
public enum RoomNews: Sendable, Equatable {
    /// Records begin to wait in memory, and why.
    case unavailable(RunError)
    /// What waited is written.
    case found

    /// The sentence for people.
    ///
    /// - Parameter records: What is written, in the plural.
    /// - Returns: What became of it.
    public func sentence(about records: String) -> String {
        switch self {
        case .unavailable(let obstacle): "\(obstacle); until then \(records) wait in memory"
        case .found: "there is room again: the \(records) that waited are written"
        }
    }
}

/// Notices when records begin to wait for room, and when they wait no longer.
public final class RoomWatch: Sendable {
    private let lacksRoom = Locked(false)

    /// A watch over a file that has room.
    public init() {}

    /// What has changed since the last call.
    ///
    /// - Parameter obstacle: Why records wait now; `nil` where none do.
    /// - Returns: News; `nil` where nothing has changed.
    public func news(_ obstacle: RunError?) -> RoomNews? {
        lacksRoom.withLock { lacksRoom in
            defer { lacksRoom = obstacle != nil }
            if let obstacle { return lacksRoom ? nil : .unavailable(obstacle) }
            return lacksRoom ? .found : nil
        }
    }
}
