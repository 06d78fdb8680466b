/// The name of a checkpoint's folder: `step-000012345.g7.t2`.
///
/// Generation and term are in it so that a second try never meets the rest of a first. Later states
/// come later in the order; of one state the later term, and then the later generation.
public struct CheckpointName: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Finished steps of the state.
    public let step: UInt64
    /// The generation of members that saved it.
    public let generation: UInt64
    /// The term of the coordinator that saved it.
    public let term: UInt64

    /// A name of given parts.
    public init(step: UInt64, generation: UInt64, term: UInt64) {
        self.step = step
        self.generation = generation
        self.term = term
    }

    /// Reads the name of a folder; `nil` for anything that `description` would not write.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].hasPrefix("step-"), parts[1].hasPrefix("g"),
            parts[2].hasPrefix("t"), let step = UInt64(parts[0].dropFirst(5)),
            let generation = UInt64(parts[1].dropFirst()), let term = UInt64(parts[2].dropFirst())
        else { return nil }
        self.init(step: step, generation: generation, term: term)
        guard description == text else { return nil }
    }

    /// The folder's name.
    public var description: String {
        let digits = String(step)
        let zeros = String(repeating: "0", count: max(0, 9 - digits.count))
        return "step-\(zeros)\(digits).g\(generation).t\(term)"
    }

    /// Whether the state, or else the try, is an earlier one.
    public static func < (first: CheckpointName, second: CheckpointName) -> Bool {
        (first.step, first.term, first.generation) < (second.step, second.term, second.generation)
    }
}
