import Runtime

/// What several threads put in for one that takes it out, in order.
///
/// Who may send without end waits while too much is there; what comes once, such as the end of a connection, never waits.
final class Inbox<Item: Sendable>: Sendable {
    private let items = Monitor<[Item]>([])
    private let limit: Int
    private let rest: Duration

    /// An empty inbox.
    ///
    /// - Parameters:
    ///   - limit: Items from which on senders wait.
    ///   - rest: How often one that waits looks whether it still should.
    init(limit: Int, rest: Duration) {
        self.limit = limit
        self.rest = rest
    }

    /// Puts an item in, whatever is there.
    func put(_ item: Item) { items.update { $0.append(item) } }

    /// Puts an item in once there is room.
    ///
    /// - Parameters:
    ///   - item: What is put in.
    ///   - isWanted: Whether somebody still wants it, asked while it waits.
    /// - Returns: Whether it is in.
    func put(_ item: Item, while isWanted: () -> Bool) -> Bool {
        while true {
            let hasRoom = items.update { items in
                guard items.count < limit else { return false }
                items.append(item)
                return true
            }
            if hasRoom { return true }
            guard isWanted() else { return false }
            _ = items.wait(timeout: rest, until: { $0.count < limit }, then: { _ in })
        }
    }

    /// Takes all out, and waits for something where nothing is there.
    func take(timeout: Duration) -> [Item] {
        _ = items.wait(timeout: timeout, until: { !$0.isEmpty }, then: { _ in })
        return items.update { items in
            defer { items.removeAll() }
            return items
        }
    }
}
