/// How a program ended; the numbers are part of what scripts rely on.
public enum ExitCode: Int32, Sendable, Equatable, CaseIterable {
    /// The work is done.
    case success = 0
    /// The work failed; standard error says what, where and the remedy.
    case failure = 1
    /// Wrong usage or a wrong configuration.
    case usage = 2
    /// Refused: key, version, configuration or data set differs.
    case refused = 3
    /// The coordinator was lost.
    case coordinatorLost = 4
    /// Fewer workers than the minimum; the run is saved.
    case tooFewWorkers = 5
    /// Training diverged.
    case diverged = 6
    /// What a worker computes with (its data set, the weights it starts from) is damaged or gone: starting it again would
    /// not help.
    case inputDamaged = 7
    /// Steps of a run that were computed again gave another state than its checkpoint holds.
    case notReproduced = 8
    /// Interrupted by a signal after a clean checkpoint.
    case interrupted = 130
    /// Whoever read the results went away, as `head` does.
    case outputClosed = 141
}
