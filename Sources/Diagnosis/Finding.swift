import Runtime

/// One thing that a check found out about this machine.
public struct Finding: Sendable, Equatable {
    /// What a finding means for a run.
    public enum Verdict: String, Sendable, Comparable {
        /// Nothing stands in the way.
        case good
        /// A run works, but slower or with less safety than it could.
        case warning
        /// A run would fail or be spoilt.
        case problem

        private var rank: Int {
            switch self {
            case .good: 0
            case .warning: 1
            case .problem: 2
            }
        }

        /// The worse verdict is the greater one.
        public static func < (first: Verdict, second: Verdict) -> Bool { first.rank < second.rank }
    }

    /// What was looked at, such as memory.
    public let subject: String
    /// Whether it spoils a run.
    public let verdict: Verdict
    /// What was found, in one line.
    public let text: String
    /// What the user can do; `nil` where nothing needs to be done.
    public let remedy: String?
    /// The measured values, keys with their units.
    public let values: [String: JSONValue]

    /// A finding.
    public init(
        _ subject: String, _ verdict: Verdict = .good, _ text: String, remedy: String? = nil,
        values: [String: JSONValue] = [:]
    ) {
        self.subject = subject
        self.verdict = verdict
        self.text = text
        self.remedy = remedy
        self.values = values
    }

    /// The finding as other programs read it.
    public var json: JSONValue {
        var members = values
        members["verdict"] = .string(verdict.rawValue)
        members["text"] = .string(text)
        members["remedy"] = remedy.map { .string($0) } ?? .null
        return .object(members)
    }
}
