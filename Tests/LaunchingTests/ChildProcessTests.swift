import Foundation
import Runtime
import Testing

@testable import Launching

@Suite struct ChildProcessTests {
    private func shell(
        _ script: String, receive: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> ChildProcess {
        try ChildProcess(
            executable: "sh", arguments: ["-c", script], environment: ["PURKINJE_WORD": "impulse"],
            name: "shell", receive: receive)
    }

    @Test func receivesEveryLineBeforeTheEnd() throws {
        let lines = Locked<[String]>([])
        let process = try shell("echo one; echo two >&2; printf '%s' $PURKINJE_WORD") { line in
            lines.withLock { $0.append(line) }
        }
        #expect(process.wait(timeout: .seconds(20)) == .exited(0))
        #expect(lines.withLock { $0 } == ["one", "two", "impulse"])
    }

    @Test func saysHowItEnded() throws {
        #expect(try shell("exit 7").wait(timeout: .seconds(20)) == .exited(7))
        let process = try shell("read line")
        #expect(process.termination == nil)
        #expect(process.wait(timeout: .milliseconds(1)) == nil)
        process.send(signal: SIGKILL)
        #expect(process.wait(timeout: .seconds(20)) == .killed(signal: SIGKILL))
    }

    /// Until everybody knows that it has ended, no other process can have its number, so that no signal goes astray.
    @Test func keepsItsNumberUntilItsEndIsKnown() throws {
        let lines = Monitor<[String]>([])
        // What it leaves behind holds its output open.
        let process = try shell("sleep 3600 & echo $!; exit 3") { line in
            lines.update { $0.append(line) }
        }
        let line = lines.wait(timeout: .seconds(60), until: { !$0.isEmpty }, then: { $0[0] })
        let orphan = try #require(line.flatMap { pid_t($0) })
        defer { kill(orphan, SIGKILL) }
        let status = FilePath("/proc/\(process.identifier)/stat")
        var state = ""
        while let text = try? status.contents(), state != "Z" {
            state =
                String(decoding: text, as: UTF8.self).split(separator: " ").dropFirst(2).first
                .map(String.init) ?? ""
        }
        #expect(state == "Z")
        #expect(process.termination == nil)
        process.send(signal: SIGTERM)
        kill(orphan, SIGKILL)
        #expect(process.wait(timeout: .seconds(60)) == .exited(3))
        #expect(throws: SystemError.self) { try status.contents() }
    }

    @Test func keepsTheInputOpenUntilToldOtherwise() throws {
        let process = try shell("read line; exit 3")
        #expect(process.wait(timeout: .milliseconds(50)) == nil)
        process.closeInput()
        #expect(process.wait(timeout: .seconds(20)) == .exited(3))
    }

    @Test func hasAGroupOfItsOwn() throws {
        let process = try shell("read line")
        #expect(getpgid(process.identifier) == process.identifier)
        process.closeInput()
        _ = process.wait(timeout: .seconds(20))
    }

    @Test func doesNotInheritWhatThisProcessIgnores() throws {
        let before = signal(SIGXFSZ, SIG_IGN)
        defer { signal(SIGXFSZ, before) }
        let lines = Locked<[String]>([])
        let process = try shell("grep -E 'SigIgn|SigBlk' /proc/self/status") { line in
            lines.withLock { $0.append(line) }
        }
        #expect(process.wait(timeout: .seconds(20)) == .exited(0))
        let masks = lines.withLock { $0 }.compactMap {
            $0.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) }
        }
        #expect(masks.count == 2)
        for number in [SIGPIPE, SIGXFSZ, SIGTERM, SIGINT, SIGUSR1] {
            #expect(masks.allSatisfy { $0 & 1 << UInt64(number - 1) == 0 }, "signal \(number)")
        }
    }

    @Test func namesAProgramThatIsNotThere() {
        #expect(throws: SystemError.self) {
            _ = try ChildProcess(
                executable: "/nowhere/purkinje-worker", arguments: [], name: "x",
                receive: { _ in })
        }
    }
}

@Suite struct LaunchTests {
    private func program(_ member: Supervision.Member, _ script: String) -> Launch.Program {
        Launch.Program(member, executable: "sh", arguments: ["-c", script])
    }

    @Test func forwardsLinesAndEndsWithTheCoordinatorsCode() throws {
        let lines = Locked<[String]>([])
        let launch = Launch(
            programs: [
                program(.coordinator, "echo 'coordinator: listens'; exit 6"),
                program(.worker(1), "echo joined; exit 4"),
            ]
        ) { line in lines.withLock { $0.append(line) } }
        #expect(try launch.run(hasStepped: { true }) == 6)
        let received = lines.withLock { $0 }
        #expect(received.contains("coordinator: listens"))
        #expect(received.contains("worker 1: joined"))
    }

    @Test func startsADeadWorkerAgain() throws {
        let folder =
            FileManager.default.temporaryDirectory.path + "/launch-\(UUID())"
        #expect(mkdir(folder, 0o700) == 0)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // The coordinator ends well once the worker has been started a second time.
        let launch = Launch(
            programs: [
                program(.coordinator, "until [ -e \(folder)/second ]; do sleep 0.02; done"),
                program(
                    .worker(1),
                    """
                    if [ -e \(folder)/first ]; then touch \(folder)/second; exit 0; fi
                    touch \(folder)/first; echo 'error: broke'; kill -9 $$
                    """),
            ], output: { _ in })
        #expect(try launch.run(hasStepped: { true }) == 0)
    }

    @Test(arguments: [true, false]) func theWishForAnEndIsTheEndOfTheInput(follows: Bool) throws {
        let running = Locked<Launch?>(nil)
        // A child that follows its input gets no signal, which might be taken for the second of two.
        let script =
            follows
            ? "trap 'exit 6' TERM; echo up; read line; exit 130"
            : "trap 'exit 130' TERM; echo up; while :; do sleep 0.02; done"
        let program = Launch.Program(
            .coordinator, executable: "sh", arguments: ["-c", script], followsInput: follows)
        let launch = Launch(programs: [program]) { line in
            if line == "coordinator: up" { running.withLock { $0 }?.requestStop() }
        }
        running.withLock { $0 = launch }
        #expect(try launch.run(hasStepped: { true }) == 130)
        running.withLock { $0 = nil }
    }

    @Test func aStopRequestReachesTheCoordinator() throws {
        let running = Locked<Launch?>(nil)
        let script = "trap 'exit 130' TERM; echo up; while :; do sleep 0.02; done"
        let launch = Launch(programs: [program(.coordinator, script)]) { line in
            if line == "coordinator: up" { running.withLock { $0 }?.requestStop() }
        }
        running.withLock { $0 = launch }
        #expect(try launch.run(hasStepped: { true }) == 130)
        running.withLock { $0 = nil }
    }
}

@Suite struct LineFollowerTests {
    @Test func followsAppendsAndCuts() throws {
        let path =
            FileManager.default.temporaryDirectory.path + "/follow-\(UUID())"
        defer { unlink(path) }
        var follower = LineFollower(path: FilePath(path), fromEnd: false)
        #expect(follower.newLines().isEmpty)
        try AtomicFile.write("one\ntwo\nthr", to: FilePath(path))
        #expect(follower.newLines() == ["one", "two"])
        try AtomicFile.write("one\ntwo\nthree\n", to: FilePath(path))
        #expect(follower.newLines() == ["three"])
        try AtomicFile.write("one\n", to: FilePath(path))
        #expect(follower.newLines().isEmpty)
        try AtomicFile.write("one\nnew\n", to: FilePath(path))
        #expect(follower.newLines() == ["new"])
        var late = LineFollower(path: FilePath(path), fromEnd: true)
        #expect(late.newLines().isEmpty)
    }
}
