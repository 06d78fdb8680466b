import Foundation
import Runtime
import Testing

@testable import Launching

/// A stand-in for ssh: takes a host and a command, and runs the command here.
private struct LocalShell {
    let folder: String
    var shell: RemoteShell { RemoteShell(command: "sh \(folder)/ssh") }

    init() throws {
        folder =
            FileManager.default.temporaryDirectory.path + "/remote-\(UUID())"
        #expect(mkdir(folder, 0o700) == 0)
        try AtomicFile.write("shift\nsh -c \"$1\"\n", to: FilePath(folder + "/ssh"))
        try AtomicFile.write("data", to: FilePath(folder + "/data"))
        try AtomicFile.write("", to: FilePath(folder + "/probe"))
        try AtomicFile.write(
            "#!/bin/sh\n[ \"$1\" = --version ] && echo 'purkinje-worker 9' && exit\n"
                + "trap 'echo left; exit 0' TERM; echo \"$1\"; while :; do sleep 0.02; done\n",
            to: FilePath(folder + "/purkinje-worker"))
        #expect(chmod(folder + "/purkinje-worker", 0o700) == 0)
    }

    var host: RemoteHost {
        var host = RemoteHost(destination: "here")
        host.programs = FilePath(folder)
        host.data = FilePath(folder + "/data")
        host.run = FilePath(folder)
        return host
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }
}

@Suite struct RemoteShellTests {
    @Test(arguments: ["plain", "two words", "it's", "a\"b$c`d\\"])
    func quotesForTheShell(text: String) throws {
        let local = try LocalShell()
        defer { local.remove() }
        let answer = try local.shell.run(
            "printf '%s\\n' \(shellQuoted(text))", on: local.host, timeout: .seconds(20))
        #expect(answer.termination == .exited(0))
        #expect(answer.lines == [text])
    }

    @Test func findsNothingWrongWithAFitMachine() throws {
        let local = try LocalShell()
        defer { local.remove() }
        let listener = try ProbeListener()
        let preflight = Preflight(
            shell: local.shell, version: "purkinje-worker 9", dataBytes: 4, probe: "probe",
            port: listener.port)
        let answers = try preflight.ask([local.host, local.host])
        #expect(answers.count == 2)
        #expect(answers[0].problems.isEmpty, "\(answers[0].problems)")
        #expect(answers[0].processors ?? 0 > 0)
        #expect(answers[0].freeBytes ?? 0 > 0)
    }

    @Test func namesEverythingThatIsWrong() throws {
        let local = try LocalShell()
        defer { local.remove() }
        var host = local.host
        host.data = "/nowhere"
        let preflight = Preflight(
            shell: local.shell, version: "purkinje-worker 10", dataBytes: 4, probe: "other",
            port: 1)
        let problems = try preflight.ask([host])[0].problems
        #expect(problems.count == 4)
        for text in ["here is 'purkinje-worker 10'", "is not there", "run=PATH", "cannot reach"] {
            #expect(problems.contains { $0.contains(text) }, "\(text) in \(problems)")
        }
    }

    @Test func buildsOfOtherSourcesSufficeWhereTheyAreAllowed() {
        let own = "purkinje-worker 1.0.0+1a2b3c4d5e.src0f9e8d7c6b"
        func problems(_ there: String, allowed: Bool) -> [String] {
            Preflight(
                shell: RemoteShell(), version: own, allowsMixedBuilds: allowed, dataBytes: nil,
                probe: "", port: 1
            ).read(["version=\(there)"], of: RemoteHost(destination: "node")).problems
                .filter { $0.contains("install the same build") }
        }
        for there in [own, "purkinje-worker 1.0.0+unknown.src0f9e8d7c6b"] {
            #expect(problems(there, allowed: false).isEmpty, "\(there)")
        }
        let other = "purkinje-worker 1.0.0+ffffffffff.src1111111111"
        #expect(problems(other, allowed: true).isEmpty)
        #expect(problems(other, allowed: false).count == 1)
        #expect(problems(other, allowed: false)[0].contains("--allow-mixed-builds"))
        for there in ["purkinje-worker 1.0.1+1a2b3c4d5e.src0f9e8d7c6b", "sh: not found", ""] {
            #expect(problems(there, allowed: true).count == 1, "\(there)")
        }
    }

    @Test func saysThatAMachineDoesNotAnswer() throws {
        let preflight = Preflight(
            shell: RemoteShell(command: "false"), version: "", dataBytes: nil, probe: "", port: 1)
        let problems = try preflight.ask([RemoteHost(destination: "gone")])[0].problems
        #expect(problems.count == 1)
        #expect(problems[0].contains("false gone true"))
    }

    @Test func aRemoteWorkerLeavesWhenItsLaunchIsGone() throws {
        let local = try LocalShell()
        defer { local.remove() }
        let lines = Monitor<[String]>([])
        let program = local.shell.worker(
            1, on: local.host, program: FilePath(local.folder + "/purkinje-worker"),
            arguments: ["up now"])
        let process = try ChildProcess(
            executable: program.executable, arguments: program.arguments, name: "remote",
            receive: { line in lines.update { $0.append(line) } })
        _ = lines.wait(timeout: .seconds(20), until: { $0 == ["up now"] }, then: { _ in })
        // What the end of the launching process does.
        process.closeInput()
        #expect(process.wait(timeout: .seconds(20)) == .exited(0))
        #expect(lines.withLock { $0 } == ["up now", "left"])
    }
}
