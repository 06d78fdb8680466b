import CommandLineInterface
import Configurations
import Diagnosis
import Foundation
import Runtime

private let directory = Option(
    "directory", .directory, default: ".",
    help: "Where the run directory is to be; it is written to for a moment.")
private let configuration = Option(
    "config", .file, otherwise: "ST-MEM base", help: "The configuration whose memory is estimated.")
private let threads = Option(
    "threads", .count, otherwise: "all processors", help: "Compute threads of each worker.")
private let workers = Option(
    "workers", .count, default: 1, help: "Workers on this machine.")
private let port = Option(
    "port", .integer(1...65535), otherwise: "any", help: "A port that a coordinator is to have.")

/// Looks for what would spoil a run here.
let doctorCommand = Command(
    "doctor",
    summary: "looks for what would spoil a run on this machine, and says the remedy",
    discussion: """
        Checks the processor's instructions and load, the speed of matrix products, memory, the shared directory \
        (latency, rename, fsync, room), whether processes can listen, and the clock. Takes about two seconds. Ends with \
        code 1 when something would make a run fail.
        """,
    parameters: [directory, configuration, threads, workers, port, Flag.json],
    example:
        "purkinje doctor --directory /net/ecg/runs --config cluster/configurations/st-mem-base.json"
) { invocation in
    let processor = Processor()
    let count = invocation[threads] ?? processor.allowedCount
    let findings = [
        processor.instructions,
        processor.time,
        try ProductSpeed(threads: count).finding,
        try memoryFinding(invocation, threads: count),
        SharedDirectory(path: invocation[directory]).finding(),
        Network.finding(port: invocation[port]),
        Clock.finding(),
    ]
    let worst = findings.map(\.verdict).max() ?? .good
    if invocation[Flag.json] {
        var members: [String: JSONValue] = ["verdict": .string(worst.rawValue)]
        for finding in findings {
            members[finding.subject.replacingOccurrences(of: " ", with: "_")] = finding.json
        }
        Output.write(.object(members))
    } else {
        for finding in findings { Output.write(text(of: finding)) }
        Output.write(summary(of: findings))
    }
    return worst == .problem ? .failure : .success
}

private func memoryFinding(_ invocation: Invocation, threads: Int) throws -> Finding {
    let name: String
    let model: Configuration
    if let path = invocation[configuration] {
        name = path.text
        model = try Configuration(path: path)
    } else {
        name = "ST-MEM base"
        model = try Configuration([
            "method": "st-mem", "batchSize": 64, "logicalShards": 16,
            "encoder": ["width": 768, "depth": 12, "heads": 12],
            "decoder": ["width": 256, "depth": 4, "heads": 4],
        ])
    }
    let workerCount = invocation[workers]
    let estimate = MemoryEstimate(model, threads: threads, workers: workerCount)
    let who = workerCount == 1 ? "a worker" : "\(workerCount) workers"
    return Memory().finding(
        neededBytes: workerCount * estimate.bytes,
        for: "\(who) of \(name) with \(threads) threads")
}

private func text(of finding: Finding) -> String {
    let mark =
        switch finding.verdict {
        case .good: "ok      "
        case .warning: "warning "
        case .problem: "PROBLEM "
        }
    return "\(mark) \(finding.subject): \(finding.text)"
        + (finding.remedy.map { "\n         remedy: \($0)" } ?? "")
}

private func summary(of findings: [Finding]) -> String {
    let problems = findings.filter { $0.verdict == .problem }.count
    let warnings = findings.filter { $0.verdict == .warning }.count
    if problems > 0 { return "\(problems) of \(findings.count) checks would make a run fail" }
    if warnings > 0 {
        return "a run works here; \(warnings) of \(findings.count) checks could be better"
    }
    return "nothing stands in the way of a run"
}
