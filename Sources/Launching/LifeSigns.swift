/// For how long which process of a launch has shown no sign of life.
///
/// Only time counts in which the launch itself ran: after a sleep of the machine, or a stop of the launch, everybody has
/// as much time as before.
struct LifeSigns: Sendable {
    /// More than this between two looks is time in which the launch did not run.
    static let longestLook = Duration.milliseconds(500)

    private let watched: Set<Supervision.Member>
    private var silence: [Supervision.Member: Duration] = [:]
    private var recent: Set<Supervision.Member> = []
    private var begun: Set<Supervision.Member> = []
    private var givenUp: Set<Supervision.Member> = []
    private var lastLook: ContinuousClock.Instant

    /// Begins to watch processes that have just been started.
    init(of watched: Set<Supervision.Member>, now: ContinuousClock.Instant) {
        self.watched = watched
        lastLook = now
    }

    /// A process shows that it lives.
    mutating func heard(_ member: Supervision.Member) {
        recent.insert(member)
        begun.insert(member)
    }

    /// A process was started anew.
    mutating func started(_ member: Supervision.Member) {
        silence[member] = .zero
        begun.remove(member)
        givenUp.remove(member)
    }

    /// Time passes.
    mutating func pass(until now: ContinuousClock.Instant) {
        let passed = min(max(now - lastLook, .zero), Self.longestLook)
        lastLook = now
        // A sign is younger than the look before.
        for member in watched {
            silence[member] =
                recent.contains(member) ? .zero : silence[member, default: .zero] + passed
        }
        recent = []
    }

    /// How long a process has been silent; `nil` for one that shows no signs.
    func silence(of member: Supervision.Member) -> Duration? {
        watched.contains(member) ? silence[member, default: .zero] : nil
    }

    /// Whether it has shown any sign since its start.
    func hasBegun(_ member: Supervision.Member) -> Bool { begun.contains(member) }

    /// Notes that a process was given up as frozen.
    ///
    /// - Returns: Whether it was not before.
    mutating func giveUp(_ member: Supervision.Member) -> Bool { givenUp.insert(member).inserted }

    /// Whether it was given up since its start.
    func isGivenUp(_ member: Supervision.Member) -> Bool { givenUp.contains(member) }
}
