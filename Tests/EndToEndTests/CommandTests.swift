import Foundation
import Runtime
import Testing

/// What the programs say and how they exit, when they are run as a user runs them.
@Suite struct CommandTests {
    @Test(arguments: ["purkinje", "purkinje-coordinator", "purkinje-worker"])
    func everyProgramNamesItsVersionAndExplainsItself(program: String) throws {
        let version = try Programs.run(["--version"], of: program)
        #expect(version.code == 0)
        #expect(version.lines == ["\(program) \(Software.version)"])
        let help = try Programs.run(["--help"], of: program)
        #expect(help.code == 0)
        #expect(help.lines.contains { $0.contains("usage: \(program)") })
    }

    @Test func everyCommandHasHelpWithAnExample() throws {
        for name in try Programs.commandNames() {
            let help = try Programs.run(name.split(separator: " ").map(String.init) + ["--help"])
            #expect(help.code == 0, "\(name)")
            #expect(help.lines.contains("example:"), "\(name): \(help.lines)")
        }
    }

    @Test(arguments: [
        (["pretain"], "did you mean 'pretrain'?"),
        (["launch", "--worker", "2"], "did you mean --workers?"),
        (["launch"], "is missing"),
        (["bench", "stop"], "did you mean 'bench step'?"),
    ])
    func wrongUsageExitsWithTwoAndARemedy(arguments: [String], text: String) throws {
        let result = try Programs.run(arguments)
        #expect(result.code == 2)
        #expect(result.lines.contains { $0.contains(text) }, "\(result.lines)")
    }

    @Test func doctorFindsThisMachineFit() throws {
        let result = try Programs.run(["doctor", "--json", "--directory", NSTemporaryDirectory()])
        #expect(result.lines.count == 1, "\(result.lines)")
        let report = try JSONValue(parsing: (result.lines.first ?? "").utf8)
        let verdict = try #require(report["verdict"]?.stringValue)
        #expect(["good", "warning", "problem"].contains(verdict))
        #expect(result.code == (verdict == "problem" ? 1 : 0))
    }

    /// On a processor that OpenBLAS does not know its kernels are several times too slow; a choice of the user's stands.
    @Test func aFittingKernelIsChosenWhereOpenBLASDoesNotKnowTheProcessor() throws {
        func kernel(_ environment: String) throws -> String {
            let shell = try Programs.runShell(
                #"exec env \#(environment) "$1/purkinje" doctor --directory "$2""#,
                [Programs.folder, NSTemporaryDirectory()])
            let line = try #require(shell.lines.first { $0.contains("OpenBLAS kernel ") })
            return line.components(separatedBy: "OpenBLAS kernel ")[1].lowercased()
        }
        #if arch(x86_64)
            let chosen = try kernel("--unset=OPENBLAS_CORETYPE")
            #expect(
                !["generic", "prescott", "core2", "atom"].contains { chosen.hasPrefix($0) },
                "\(chosen)")
            #expect(try kernel("OPENBLAS_CORETYPE=Prescott").hasPrefix("prescott"))
        #endif
    }
}
