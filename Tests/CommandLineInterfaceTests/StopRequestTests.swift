import Foundation
import Runtime
import Testing

@testable import CommandLineInterface

@Suite struct StopRequestTests {
    @Test func firstRequestWinsAndWakes() throws {
        let request = StopRequest()
        let told = Monitor(0)
        request.onRequest { told.update { $0 += 1 } }
        let waiter = Monitor(false)
        let thread = try NamedThread("waiter") {
            let made = request.wait(timeout: .seconds(30))
            waiter.update { $0 = made }
        }
        #expect(!request.isMade)
        #expect(request.make("SIGINT"))
        #expect(!request.make("SIGINT"))
        thread.join()
        #expect(waiter.withLock { $0 })
        request.onRequest { told.update { $0 += 10 } }
        #expect(told.withLock { $0 } == 11)
        #expect(request.isMade)
    }

    @Test func whatWasAskedForStaysAskedFor() async {
        await #expect(processExitsWith: .success) {
            let first = try StopRequest.install(onFirst: { _ in })
            kill(getpid(), SIGTERM)
            guard first.wait(timeout: .seconds(30)) else { exit(1) }
            // A command that trains again within the same process.
            let second = try StopRequest.install(onFirst: { _ in exit(2) })
            guard second.isMade else { exit(3) }
        }
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU])
    func everyEndingSignalMakesIt(signal: Int32) async {
        await #expect(processExitsWith: .success) { [signal] in
            Foundation.signal(SIGHUP, SIG_DFL)
            let request = try StopRequest.install(onFirst: { _ in })
            for _ in 0..<20 { kill(getpid(), signal) }
            guard request.wait(timeout: .seconds(30)) else { exit(1) }
        }
    }

    @Test func aHangUpThatNohupIgnoresStaysIgnored() async {
        await #expect(processExitsWith: .success) {
            signal(SIGHUP, SIG_IGN)
            let request = try StopRequest.install(onFirst: { name in
                if name == "SIGHUP" { exit(1) }
            })
            kill(getpid(), SIGHUP)
            kill(getpid(), SIGUSR1)
            guard request.wait(timeout: .seconds(30)) else { exit(2) }
        }
    }

    @Test func theEndOfTheInputMakesIt() async {
        await #expect(processExitsWith: .success) {
            var ends: [Int32] = [0, 0]
            guard pipe(&ends) == 0, dup2(ends[0], STDIN_FILENO) == STDIN_FILENO else { exit(1) }
            let request = StopRequest()
            try request.followStandardInput()
            write(ends[1], "some words\n", 11)
            guard !request.wait(timeout: .milliseconds(50)) else { exit(2) }
            close(ends[1])
            guard request.wait(timeout: .seconds(30)) else { exit(3) }
            guard request.reason == "some words" else { exit(4) }
        }
    }

    @Test(arguments: [ExitCode.success, .interrupted, .tooFewWorkers])
    func whatIsSettledIsNotChangedByASignal(code: ExitCode) {
        let request = StopRequest()
        #expect(request.codeAtOnce == .failure)
        request.settle(code)
        #expect(request.codeAtOnce == code)
        request.settle(nil)
        #expect(request.codeAtOnce == .failure)
    }
}

@Suite struct SignalRuleTests {
    private func endsAtOnce(_ signals: [(Int32, Int)]) -> [Bool] {
        var rule = SignalRule()
        return signals.map { rule.endsAtOnce($0.0, at: .milliseconds($0.1)) }
    }

    @Test(arguments: [10, 40, 200, 999]) func signalsWithinASecondAreOne(gap: Int) {
        let storm = (0..<30).map { (SIGTERM, $0 * gap) }
        #expect(!endsAtOnce(storm).contains(true))
    }

    @Test func aLaterOneEndsAtOnce() {
        #expect(endsAtOnce([(SIGTERM, 0), (SIGTERM, 1_000)]) == [false, true])
        #expect(endsAtOnce([(SIGINT, 0), (SIGINT, 300), (SIGINT, 1_400)]) == [false, false, true])
        #expect(endsAtOnce([(SIGUSR1, 0), (SIGTERM, 5_000)]) == [false, true])
    }

    @Test(arguments: [SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU])
    func whatComesByItselfIsNeverTheSecond(signal: Int32) {
        #expect(
            endsAtOnce([(SIGINT, 0), (signal, 5_000), (signal, 9_000)]) == [false, false, false])
    }
}
