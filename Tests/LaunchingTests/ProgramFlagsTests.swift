import Runtime
import Testing

@testable import CommandLineInterface
@testable import Launching

/// What `launch` tells its children arrives there: every option is declared once and read back as it was.
@Suite struct ProgramFlagsTests {
    /// A command line as a program with these options reads it.
    private func read<Flags: Sendable>(
        _ words: [String], _ parameters: [any Parameter],
        _ flags: @escaping @Sendable (Invocation) throws -> Flags
    ) throws -> Flags {
        let result = Locked<Flags?>(nil)
        let command = Command("", summary: "", parameters: parameters, example: "") { given in
            let value = try flags(given)
            result.withLock { $0 = value }
            return .success
        }
        var complaint: String?
        let code = Program(name: "program", summary: "", commands: [command])
            .run(words, print: { _ in }, report: { complaint = $0 })
        guard let value = result.withLock({ $0 }) else {
            throw CommandError(code, complaint ?? "")
        }
        return value
    }

    private func coordinator(_ words: [String]) throws -> CoordinatorFlags {
        try read(words, CoordinatorFlags.all) { try CoordinatorFlags($0) }
    }

    private func worker(_ words: [String]) throws -> WorkerFlags {
        try read(words, WorkerFlags.all) { try WorkerFlags($0) }
    }

    private static let strange = FilePath(bytes: Array("a b/".utf8) + [0xE4, 0x27, 0x5C])

    private var fullCoordinator: CoordinatorFlags {
        var flags = CoordinatorFlags(run: Self.strange)
        (flags.configuration, flags.data) = ("c.json", Self.strange)
        flags.overrides = ["seed=3", #"initialWeights="ab""#, #"x=\xE4"#, "name=ä b"]
        (flags.isFresh, flags.workers, flags.minimumWorkers) = (true, 7, 3)
        (flags.stopStep, flags.port, flags.bind) = (12, 4000, "0.0.0.0")
        (flags.advertise, flags.isInsecure) = ("node-1", true)
        flags.failureTimeout = .milliseconds(1500)
        (flags.joinWindow, flags.waitForWorkers) = (.seconds(3), .seconds(7200))
        (flags.digestEvery, flags.allowsMixedKernels, flags.allowsMixedBuilds) = (0, true, true)
        flags.hidesProgress = true
        flags.child = ChildFlags(followsInput: true, signsOfLife: .milliseconds(187))
        return flags
    }

    @Test func aCoordinatorIsToldEverything() throws {
        let plain = CoordinatorFlags(run: "runs/first")
        #expect(try coordinator(plain.arguments) == plain)
        #expect(try coordinator(["--run", "runs/first"]) == plain)
        #expect(try coordinator(fullCoordinator.arguments) == fullCoordinator)
        // No option is forgotten in what is handed on.
        let told = Set(fullCoordinator.arguments.filter { $0.hasPrefix("--") })
        #expect(told == Set(CoordinatorFlags.all.map(\.specification.spelling)))
    }

    @Test func aWorkerIsToldEverything() throws {
        let plain = WorkerFlags(run: "runs/first")
        #expect(try worker(plain.arguments) == plain)
        #expect(try worker(["--run", "runs/first"]) == plain)
        var full = WorkerFlags(run: Self.strange)
        (full.coordinator, full.data, full.threads) = ("[::1]:9", Self.strange, 5)
        (full.bind, full.advertise, full.port) = ("::", "node", 4001)
        full.coordinatorPatience = .seconds(90)
        full.child = ChildFlags(followsInput: true, signsOfLife: .seconds(1))
        #expect(try worker(full.arguments) == full)
        let told = Set(full.arguments.filter { $0.hasPrefix("--") })
        #expect(told == Set(WorkerFlags.all.map(\.specification.spelling)))
        full.bind = nil
        #expect(throws: CommandError.self) { try worker(["--run", "r", "--port", "1"]) }
        full.port = 0
        #expect(try worker(full.arguments) == full)
    }

    @Test func launchHandsItsOwnOptionsOn() throws {
        let words = [
            "--steps", "12", "--min-workers", "3", "--failure-timeout", "1500ms",
            "--wait-for-workers", "2h", "--allow-mixed-kernels", "--allow-mixed-builds", "--port",
            "4000",
        ]
        let flags = try read(words, [CoordinatorFlags.steps] + CoordinatorFlags.shared) {
            CoordinatorFlags(run: "r", sharedOf: $0)
        }
        let told = try coordinator(flags.arguments)
        #expect(told == flags)
        #expect(told.stopStep == 12 && told.minimumWorkers == 3 && told.port == 4000)
        #expect(told.failureTimeout == .milliseconds(1500))
        #expect(told.waitForWorkers == .seconds(7200))
        #expect(told.allowsMixedKernels && told.allowsMixedBuilds)
        let untold = try read([], [CoordinatorFlags.steps] + CoordinatorFlags.shared) {
            CoordinatorFlags(run: "r", sharedOf: $0)
        }
        #expect(untold == CoordinatorFlags(run: "r"), "launch and coordinator have other defaults")
    }

    @Test(arguments: [
        (["--bind", "0.0.0.0", "--advertise", "node"], "--insecure"),
        (["--bind", "::", "--insecure"], "--advertise"),
        (["--set", "seed=1"], "would change nothing without --config"),
        (["--port", "70000"], "--port needs"), (["--workers", "0"], "--workers needs"),
        (["--failure-timeout", "2"], "--failure-timeout needs"),
        (["--failure-timeout", "0s"], "needs a duration of at least 200ms"),
        (["--failure-timeout", "199ms"], "needs a duration of at least 200ms"),
        (["--signs-of-life", "0ms"], "needs a duration of at least 1ms"),
        (["--workers", "10001"], "needs a whole number from 1 to 10000"),
        (["--min-workers", "10001"], "needs a whole number from 1 to 10000"),
    ])
    func wrongCoordinatorsAreRefused(words: [String], saying text: String) {
        let error = #expect(throws: CommandError.self) {
            try coordinator(["--run", "r"] + words)
        }
        #expect(error?.exitCode == .usage)
        #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
    }
}
