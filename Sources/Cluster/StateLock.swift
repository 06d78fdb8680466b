import Runtime

/// Keeps the training state still while a piece of it is read for a joiner.
final class StateLock: Sendable {
    private struct State {
        /// Finished steps of the state; `nil` while it is being written or is not whole.
        var step: UInt64?
        var report: StepReport?
        var readers = 0
        var isClosed = false
    }

    private let state = Monitor(State())

    /// Waits until nobody reads, and keeps readers out.
    func beginWriting() {
        state.update { $0.step = nil }
        _ = state.wait(until: { $0.readers == 0 }, then: { _ in })
    }

    /// Lets readers in again.
    ///
    /// - Parameters:
    ///   - step: Of the state, or `nil` when it is not whole.
    ///   - report: What was reported of that step.
    func endWriting(step: UInt64?, report: StepReport?) {
        state.update {
            $0.step = step
            $0.report = report
        }
    }

    /// Refuses readers from now on.
    func close() { state.update { $0.isClosed = true } }

    /// Runs a closure while the state is that of a step.
    ///
    /// - Parameters:
    ///   - step: The one that is wanted.
    ///   - timeout: How long to wait for it, for it may be about to be applied.
    ///   - body: Gets the report of the step, where there is one.
    /// - Returns: The closure's result; `nil` when the state is another one.
    func reading<Result>(
        step: UInt64, timeout: Duration, _ body: (StepReport?) -> Result
    ) -> Result? {
        let report: StepReport?? =
            state.wait(
                timeout: timeout, until: { $0.step == step || ($0.step ?? 0) > step || $0.isClosed }
            ) { state in
                guard state.step == step, !state.isClosed else { return nil }
                state.readers += 1
                return .some(state.report)
            } ?? nil
        guard let report else { return nil }
        defer { state.update { $0.readers -= 1 } }
        return body(report)
    }
}
