import Runtime
import Testing

@testable import CommandLineInterface

@Suite struct ProgramTests {
    static let threads = Option("threads", .count, default: 2, help: "How many compute threads.")
    static let seed = Option("seed", .seed, otherwise: "the configuration's", help: "The seed.")
    static let source = Option(
        repeated: "source", .directory, isRequired: true, help: "Where records are.")
    static let fresh = Flag("fresh", help: "Want an empty directory.")
    static let directory = Argument("DIR", .directory, help: "The run directory.")

    private let program = Program(
        name: "purkinje", summary: "a test",
        commands: [
            Command(
                "data prepare", summary: "prepares", parameters: [source, threads],
                example: "purkinje data prepare --source ecg"
            ) { _ in .success },
            Command(
                "data inspect", summary: "inspects", parameters: [], example: "x"
            ) { _ in throw SystemError(call: "open", subject: "a.hea", code: 2) },
            Command(
                "resume", summary: "goes on", discussion: "Goes on from the newest checkpoint.",
                parameters: [directory, threads, seed, fresh], example: "purkinje resume runs/first"
            ) { invocation in
                let text = [
                    invocation[directory].text, "\(invocation[threads])",
                    invocation[seed].map { "\($0)" } ?? "none", "\(invocation[fresh])",
                ]
                throw CommandError(.refused, text.joined(separator: " "))
            },
        ],
        hints: ["train": "'purkinje resume' trains"],
        exitCode: { $0 is SystemError ? .coordinatorLost : .failure })

    private func run(_ line: String) -> (code: ExitCode, printed: String, reported: String) {
        var printed = ""
        var reported = ""
        let words = line.split(separator: " ").map(String.init)
        let code = program.run(words, print: { printed += $0 }, report: { reported += $0 })
        return (code, printed, reported)
    }

    @Test func handsValuesToTheCommand() {
        #expect(run("resume a").reported == "a 2 none false")
        #expect(run("resume a --threads 3 --seed=9 --fresh").reported == "a 3 9 true")
        #expect(run("resume --fresh -- --a").reported == "--a 2 none true")
        #expect(run("resume a").code == .refused)
        #expect(run("data prepare --source a --source b").code == .success)
    }

    @Test(arguments: [
        ("resme a", "did you mean 'resume'?"),
        ("data prepre", "did you mean 'data prepare'?"),
        ("prepare --source a", "no command 'prepare'; did you mean 'data prepare'? (see"),
        ("train --threads 2", "no command 'train'; 'purkinje resume' trains (see"),
        ("resume a --thread 2", "did you mean --threads?"),
        ("resume a --qqqqqqqqqqqq 2", "it has --threads"),
        ("resume", "DIR is missing"),
        ("resume a b", "'b' is one argument too many"),
        ("resume a --threads zero", "--threads needs a whole number of at least 1, not 'zero'"),
        ("resume a --threads 0", "--threads needs a whole number of at least 1, not '0'"),
        ("resume a --threads", "--threads needs a value: N"),
        ("resume a --threads --fresh", "--threads needs a value: N"),
        ("resume a --threads 1 --threads 2", "--threads is given twice"),
        ("resume a --fresh=yes", "takes no value"),
        ("data prepare", "--source DIR is missing"),
        ("help nonsense", "no command 'nonsense'"),
    ])
    func refusesWrongUsageWithARemedy(line: String, message: String) {
        let result = run(line)
        #expect(result.code == .usage)
        #expect(result.reported.contains(message), "\(result.reported)")
    }

    @Test func mapsErrorsOfOtherRoomsToExitCodes() {
        let result = run("data inspect")
        #expect(result.code == .coordinatorLost)
        #expect(result.reported.contains("a.hea"))
    }

    @Test func helpTeaches() {
        #expect(run("").printed.contains("data prepare"))
        #expect(run("help").printed == run("--help").printed)
        #expect(run("--version").printed == "purkinje \(Software.version)")
        let help = run("resume --help")
        #expect(help.code == .success)
        for text in [
            "usage: purkinje resume DIR [flags]", "--threads N", "(default: 2)",
            "(default: the configuration's)", "purkinje resume runs/first",
            "Goes on from the newest checkpoint.",
        ] {
            #expect(help.printed.contains(text), "no '\(text)' in\n\(help.printed)")
        }
        #expect(run("help resume").printed == help.printed)
        #expect(run("data").code == .usage)
        #expect(run("data --help").code == .success)
        #expect(run("help data").printed.contains("data inspect"))
        #expect(!run("help data").printed.contains("resume"))
        #expect(run("data prepare --help").printed.contains("--source DIR …"))
    }

    @Test func aProgramWithOneCommandNeedsNoWord() {
        let program = Program(
            name: "purkinje-worker", summary: "works",
            commands: [
                Command(
                    "", summary: "works", parameters: [Self.threads], example: "purkinje-worker"
                ) { $0[Self.threads] == 5 ? .success : .failure }
            ])
        #expect(program.run(["--threads", "5"]) == .success)
        var help = ""
        #expect(program.run(["--help"], print: { help = $0 }) == .success)
        #expect(help.contains("usage: purkinje-worker [flags]"))
    }
}

@Suite struct ValueKindTests {
    @Test(arguments: [
        ("4096", 4096), ("64K", 65536), ("16M", 16 << 20), ("1G", 1 << 30), ("2g", 2 << 30),
        ("0", 0), ("", nil), ("K", nil), ("-1", nil), ("1.5M", nil), ("9999999999G", nil),
        ("12Q", nil),
    ])
    func readsSizes(text: String, bytes: Int?) {
        #expect(parseSize(text) == bytes)
        if let bytes { #expect(parseSize(sizeText(bytes)) == bytes) }
    }

    @Test(arguments: [
        ("250ms", 250), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("1.5s", 1500),
        ("0s", 0), ("30", nil), ("s", nil), ("-1s", nil), ("1e3s", nil), ("1d", nil),
        ("1..5s", nil),
    ])
    func readsDurations(text: String, milliseconds: Int?) {
        #expect(parseDuration(text) == milliseconds.map { Duration.milliseconds($0) })
        if let duration = parseDuration(text) {
            #expect(parseDuration(durationText(duration)) == duration)
        }
    }

    @Test func readsListsAndChoices() {
        let sizes = ValueKind.list(of: .bytes)
        #expect(sizes.parse("1K,2M") == [1024, 2 << 20])
        #expect(sizes.parse("1K,,2M") == nil)
        #expect(ValueKind.choice(["none", "zlib"]).parse("zlib") == "zlib")
        #expect(ValueKind.choice(["none", "zlib"]).parse("lz4") == nil)
        #expect(ValueKind.positive.parse("nan") == nil)
        #expect(ValueKind.positive.parse("1e-3") == 1e-3)
    }

    @Test func aFormerWordIsReadWithANotice() {
        let notices = Locked(0)
        let kind = ValueKind.choice(["mean", "method"]).taking(former: "own", as: "method") {
            notices.withLock { $0 += 1 }
        }
        #expect(kind.parse("mean") == "mean" && kind.parse("other") == nil)
        #expect(notices.withLock { $0 } == 0)
        #expect(kind.parse("own") == "method")
        #expect(notices.withLock { $0 } == 1)
        #expect(!kind.placeholder.contains("own") && !kind.meaning.contains("own"))
    }

    @Test func wrapsAtTheMargin() {
        let text = wrap(String(repeating: "word ", count: 40), indentation: 4)
        let lines = text.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { $0.hasPrefix("    word") && $0.count <= 96 })
    }
}
