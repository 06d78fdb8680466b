import Foundation
import Launching
import Runtime
import Testing

/// The programs of this package, as they were built together with the tests.
enum Programs {
    /// The folder of the test bundle, which is the build folder.
    static let folder: String = {
        let executable =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            ?? CommandLine.arguments[0]
        let own = (executable as NSString).deletingLastPathComponent
        let named = (CommandLine.arguments[0] as NSString).deletingLastPathComponent
        // Some toolchains run the bundle through a program of their own, which gets the bundle's path.
        let bundles = CommandLine.arguments.filter { $0.hasSuffix(".xctest") }
            .map { ($0 as NSString).deletingLastPathComponent }
        let candidates = [own, named] + bundles
        return candidates.first { access("\($0)/purkinje", X_OK) == 0 } ?? own
    }()

    /// Runs a program to its end.
    ///
    /// - Returns: Its exit code and all that it wrote.
    static func run(
        _ arguments: [String], of program: String = "purkinje", timeout: Duration = .seconds(240)
    ) throws -> (code: Int32?, lines: [String]) {
        let process = try Running(program, arguments)
        return (process.wait(timeout: timeout), process.lines)
    }

    /// The commands of `purkinje` in the order of its help.
    static func commandNames() throws -> [String] {
        let list = try run(["help"])
        let start = try #require(list.lines.firstIndex(of: "commands:"))
        let names = list.lines[(start + 1)...].prefix { $0.hasPrefix("  ") }.compactMap { line in
            line.hasPrefix("   ") ? nil : line.dropFirst(2).components(separatedBy: "  ").first
        }
        try #require(names.count > 20)
        return names
    }

    /// Runs a script of bash with words behind it, until it ends or something holds.
    static func runShell(
        _ script: String, _ words: [String], until isDone: () -> Bool = { false },
        timeout: Duration = .seconds(120)
    ) throws -> Running {
        let process = try Running(executable: "bash", ["-c", script, "bash"] + words)
        let deadline = ContinuousClock.now + timeout
        while !isDone(), process.wait(timeout: .milliseconds(10)) == nil,
            ContinuousClock.now < deadline
        {}
        return process
    }
}

/// A program that runs while the test goes on; killed with its children when the test is done with it.
final class Running: Sendable {
    private let process: ChildProcess
    private let received: Locked<[String]>

    convenience init(_ program: String, _ arguments: [String]) throws {
        try self.init(executable: "\(Programs.folder)/\(program)", arguments)
    }

    init(executable: String, _ arguments: [String]) throws {
        let received = Locked<[String]>([])
        process = try ChildProcess(
            executable: FilePath(executable), arguments: arguments, name: "program",
            receive: { line in received.withLock { $0.append(line) } })
        self.received = received
    }

    deinit { killTree() }

    /// All that it wrote so far.
    var lines: [String] { received.withLock { $0 } }

    /// The process.
    var identifier: pid_t { process.identifier }

    /// Whether it has ended.
    var hasEnded: Bool { process.termination != nil }

    func send(signal: Int32) { process.send(signal: signal) }

    /// Waits for its end.
    ///
    /// - Returns: Its exit code, 128 + the number of the signal that killed it, or `nil` if it did not end in time.
    func wait(timeout: Duration = .seconds(240)) -> Int32? {
        switch process.wait(timeout: timeout) {
        case .exited(let code): code
        case .killed(let signal): 128 + signal
        case nil: nil
        }
    }

    /// Waits until it has written a line with a text in it, for half a minute at most.
    func waitForLine(containing text: String) -> Bool {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline, !hasEnded {
            if lines.contains(where: { $0.contains(text) }) { return true }
            usleep(20_000)
        }
        return lines.contains { $0.contains(text) }
    }

    /// The processes that it started and that still run, by the name of their program.
    func children(named program: String) -> [pid_t] {
        let own = "/proc/\(process.identifier)/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: own)) ?? []
        let identifiers = threads.flatMap { thread -> [pid_t] in
            let text = FileManager.default.contents(atPath: "\(own)/\(thread)/children") ?? Data()
            return String(decoding: text, as: UTF8.self).split(separator: " ").compactMap {
                pid_t($0)
            }
        }
        return identifiers.sorted().filter { identifier in
            let line = FileManager.default.contents(atPath: "/proc/\(identifier)/cmdline") ?? Data()
            let name = line.split(separator: 0).first.map { String(decoding: $0, as: UTF8.self) }
            return name?.hasSuffix("/\(program)") == true
        }
    }

    /// Ends the process and all that it started as a power cut would.
    func killTree() {
        let children =
            children(named: "purkinje-coordinator") + children(named: "purkinje-worker")
        process.send(signal: SIGKILL)
        for child in children { kill(child, SIGKILL) }
    }
}
