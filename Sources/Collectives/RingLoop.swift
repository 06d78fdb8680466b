import Runtime
import Transport

/// What callers ask of the I/O thread, and what it answers.
struct RingRequests {
    var begun: ReductionRequest?
    var submitted: [Int] = []
    var gather: (key: ExchangeKey, payload: [UInt8])?
    var isReducing = false
    var isReduced = false
    var gathered: [[UInt8]]?
    var isAborted = false
    var isClosing = false
    var failure: CollectiveError?
    var statistics = ExchangeStatistics()
}

/// The thread of a ring: hands requests to the machine, waits for what it wishes, and publishes what is whole.
final class RingLoop {
    private let machine: RingMachine
    private let requests: Monitor<RingRequests>
    private let wakeUp: WakeUp
    private let waiter: any StreamWaiter
    private let onFailure: (@Sendable (CollectiveError) -> Void)?
    private var wishes: [StreamWish]

    init(
        _ machine: RingMachine, requests: Monitor<RingRequests>, wakeUp: WakeUp,
        waiter: any StreamWaiter, onFailure: (@Sendable (CollectiveError) -> Void)?
    ) {
        self.machine = machine
        self.requests = requests
        self.wakeUp = wakeUp
        self.waiter = waiter
        self.onFailure = onFailure
        wishes = [StreamWish(wakeUp, .input), machine.previousWish, machine.nextWish]
    }

    func run() {
        do throws(CollectiveError) {
            while try takeRequests() {
                let hasMore = try machine.takeTurn()
                try publishWhatIsDone()
                try machine.failWhereNeeded()
                try wait(hasMore: hasMore)
            }
            machine.sayFarewell()
            stop(.aborted)
        } catch {
            // What was whole before the edge failed stays good.
            try? publishWhatIsDone()
            if error != .aborted { onFailure?(error) }
            stop(error)
        }
    }

    /// False when the ring is to be left.
    private func takeRequests() throws(CollectiveError) -> Bool {
        struct Taken {
            var begun: ReductionRequest?
            var submitted: [Int] = []
            var gather: (key: ExchangeKey, payload: [UInt8])?
            var isAborted = false
            var isClosing = false
        }
        let taken = requests.withLock { requests in
            defer {
                requests.begun = nil
                requests.gather = nil
                if !requests.submitted.isEmpty { requests.submitted = [] }
            }
            return Taken(
                begun: requests.begun, submitted: requests.submitted, gather: requests.gather,
                isAborted: requests.isAborted, isClosing: requests.isClosing)
        }
        if taken.isAborted { throw .aborted }
        if taken.isClosing { return false }
        if let request = taken.begun { try machine.begin(request) }
        for bucket in taken.submitted { try machine.submit(bucket) }
        if let gather = taken.gather { machine.begin(gather.key, gather.payload) }
        return true
    }

    private func publishWhatIsDone() throws(CollectiveError) {
        guard let finished = try machine.takeFinished() else { return }
        requests.update { requests in
            if finished.isReduced { requests.isReduced = true }
            if let gathered = finished.gathered { requests.gathered = gathered }
            requests.statistics = machine.statistics
        }
    }

    private func stop(_ failure: CollectiveError) {
        machine.stop()
        requests.update { $0.failure = failure }
    }

    private func wait(hasMore: Bool) throws(CollectiveError) {
        let before = waiter.clock.now
        wishes[1] = machine.previousWish
        wishes[2] = machine.nextWish
        do throws(SystemError) {
            _ = try waiter.wait(
                for: &wishes, until: hasMore ? before : before + machine.longestWait)
        } catch {
            throw .system(error)
        }
        if wishes[0].isFulfilled { wakeUp.clear() }
        try machine.hasWaited(since: before)
    }
}
