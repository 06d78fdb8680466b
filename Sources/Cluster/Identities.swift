/// Names a worker process for as long as it lives: 64 random bits.
public struct WorkerID: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The bits.
    public let value: UInt64

    /// An identity of given bits.
    public init(_ value: UInt64) { self.value = value }

    /// A new identity.
    public static func random() -> WorkerID { WorkerID(.random(in: 1 ... .max)) }

    /// The order of the bits.
    public static func < (first: WorkerID, second: WorkerID) -> Bool { first.value < second.value }

    /// Sixteen hexadecimal digits.
    public var description: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// Names a control connection within one coordinator process.
public struct LinkID: Sendable, Hashable, Comparable {
    /// Grows by one with every accepted connection.
    public let value: Int

    /// A name.
    public init(_ value: Int) { self.value = value }

    /// The order of acceptance.
    public static func < (first: LinkID, second: LinkID) -> Bool { first.value < second.value }
}
