import Foundation
import Runtime

/// A running launch: the processes of a run on this machine, under the rules of `Supervision`.
public final class Launch: Sendable {
    /// How a process is started.
    public struct Program: Sendable {
        /// Which process of the run it is.
        public let member: Supervision.Member
        /// The program's path.
        public let executable: FilePath
        /// What it gets behind its name, each as `FilePath.text` has it.
        public let arguments: [String]
        /// Variables that differ from this process's own.
        public let environment: [String: String]
        /// Whether it takes the end of its standard input for the wish that it ends.
        public let followsInput: Bool
        /// Whether it writes to its standard output, again and again, to show that it is not frozen.
        public let showsLife: Bool

        /// How a process is started.
        public init(
            _ member: Supervision.Member, executable: FilePath, arguments: [String],
            environment: [String: String] = [:], followsInput: Bool = false,
            showsLife: Bool = false
        ) {
            self.showsLife = showsLife
            self.followsInput = followsInput
            self.member = member
            self.executable = executable
            self.arguments = arguments
            self.environment = environment
        }
    }

    private enum Event: Sendable {
        case ended(Supervision.Member, Termination)
        case stop
    }

    private struct Processes {
        var running: [Supervision.Member: ChildProcess] = [:]
        var lastErrors: [Supervision.Member: String] = [:]
        /// Who has shown a sign of life since the last look.
        var living: Set<Supervision.Member> = []
    }

    private let programs: [Program]
    private let policy: Supervision.Policy
    private let output: @Sendable (String) -> Void
    private let events = Monitor<[Event]>([])
    private let processes = Locked(Processes())

    /// A launch whose processes are not started yet.
    ///
    /// - Parameters:
    ///   - programs: The coordinator first.
    ///   - policy: How often to start a dead process again.
    ///   - output: Takes the processes' lines, each with its process's name, and the launch's own.
    public init(
        programs: [Program], policy: Supervision.Policy = .init(),
        output: @escaping @Sendable (String) -> Void
    ) {
        self.programs = programs
        self.policy = policy
        self.output = output
    }

    /// Starts all processes and returns when the run has ended.
    ///
    /// - Parameters:
    ///   - settled: Told what the run ends with, as soon as nothing can change it: processes may still have to leave.
    ///   - hasStepped: Asked several times a second whether the run has made a step since the launch.
    /// - Returns: The exit code of the run.
    /// - Throws: `SystemError` when a process cannot be started at first; those that were are ended.
    public func run(
        settled: (Int32) -> Void = { _ in }, hasStepped: () -> Bool
    ) throws(SystemError) -> Int32 {
        do {
            for program in programs { try start(program) }
        } catch {
            killAll()
            throw error
        }
        var supervision = Supervision(
            members: programs.map(\.member),
            watched: Set(programs.filter(\.showsLife).map(\.member)), policy: policy, now: .now)
        var isSettled = false
        var due: [(member: Supervision.Member, at: ContinuousClock.Instant)] = []
        while true {
            let news = events.wait(
                timeout: .milliseconds(200), until: { !$0.isEmpty },
                then: { events in
                    defer { events = [] }
                    return events
                })
            if hasStepped() { supervision.stepped() }
            for member in takeLiving() { supervision.lives(member) }
            var effects: [Supervision.Effect] = []
            for event in news ?? [] {
                switch event {
                case .stop:
                    effects += supervision.stopRequested(at: .now)
                case .ended(let member, let termination):
                    let lastError = processes.withLock { processes in
                        processes.running[member] = nil
                        return processes.lastErrors.removeValue(forKey: member)
                    }
                    effects += supervision.ended(
                        member, termination, lastLine: lastError, at: .now)
                }
            }
            effects += supervision.tick(at: .now)
            for index in due.indices.reversed() where due[index].at <= .now {
                let member = due.remove(at: index).member
                effects += supervision.started(member)
                restart(member)
            }
            if let code = supervision.settledCode, !isSettled {
                isSettled = true
                settled(code)
            }
            for effect in effects {
                switch effect {
                case .start(let member, let time):
                    due.removeAll { $0.member == member }
                    due.append((member, time))
                case .stop(let member, let reason): stop(member, because: reason)
                case .kill(let member): send(SIGKILL, to: member)
                case .report(let text): output("launch: \(text)")
                case .finish(let code): return code
                }
                if case .stop(.coordinator, _) = effect { due = [] }
            }
        }
    }

    /// Asks the run to end after its step, with a checkpoint.
    public func requestStop() { events.update { $0.append(.stop) } }

    /// Ends every process at once.
    public func killAll() {
        processes.withLock { processes in
            for process in processes.running.values { process.send(signal: SIGKILL) }
        }
    }

    private func takeLiving() -> Set<Supervision.Member> {
        processes.withLock { processes in
            defer { processes.living = [] }
            return processes.living
        }
    }

    private func start(_ program: Program) throws(SystemError) {
        let member = program.member
        let lives: @Sendable () -> Void = { [weak self] in
            self?.processes.withLock { _ = $0.living.insert(member) }
        }
        let process = try ChildProcess(
            executable: program.executable, arguments: program.arguments,
            environment: program.environment, name: "\(member)",
            receive: { [weak self] line in self?.forward(line, from: member) },
            lives: program.showsLife ? lives : nil,
            ended: { [weak self] termination in
                self?.events.update { $0.append(.ended(member, termination)) }
            })
        processes.withLock { $0.running[member] = process }
    }

    private func restart(_ member: Supervision.Member) {
        guard let program = programs.first(where: { $0.member == member }) else { return }
        do {
            try start(program)
        } catch {
            output("launch: \(error)")
            events.update { $0.append(.ended(member, .exited(ExitCode.failure.rawValue))) }
        }
    }

    /// A process that follows its input is asked by the end of it: that is one wish, whichever signals reach it too.
    private func stop(_ member: Supervision.Member, because reason: String?) {
        let follows = programs.contains { $0.member == member && $0.followsInput }
        let process = processes.withLock { $0.running[member] }
        if follows, process?.closeInput(because: reason ?? "") == true { return }
        process?.send(signal: SIGTERM)
    }

    private func send(_ signal: Int32, to member: Supervision.Member) {
        processes.withLock { $0.running[member] }?.send(signal: signal)
    }

    private func forward(_ line: String, from member: Supervision.Member) {
        if let error = line.firstRange(of: "error: ") {
            processes.withLock { $0.lastErrors[member] = String(line[error.upperBound...]) }
        }
        // The programs name themselves without a number, which only the launch knows.
        let own = member == .coordinator ? "coordinator: " : "worker: "
        output("\(member): \(line.hasPrefix(own) ? line.dropFirst(own.count) : line[...])")
    }
}
