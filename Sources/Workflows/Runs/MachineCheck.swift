import CommandLineInterface
import Configurations
import Diagnosis
import Runtime

/// What `doctor` looks at on a machine, and what it found.
public struct MachineCheck: CommandResult {
    private let findings: [Finding]

    /// What a run on this machine is to be.
    public struct Plan: Sendable {
        /// Where the run directory is to be.
        public var directory: FilePath
        /// The configuration whose memory is estimated; `nil` for ST-MEM base.
        public var configuration: FilePath?
        /// Compute threads of each worker; `nil` for all processors.
        public var threads: Int?
        /// Workers on this machine.
        public var workers: Int
        /// A port that a coordinator is to have; `nil` for any.
        public var port: Int?

        /// A plan by its parts.
        public init(
            directory: FilePath, configuration: FilePath?, threads: Int?, workers: Int, port: Int?
        ) {
            (self.directory, self.configuration) = (directory, configuration)
            (self.threads, self.workers, self.port) = (threads, workers, port)
        }
    }

    /// Looks; takes about two seconds.
    ///
    /// - Throws: `ConfigurationError`, and whatever keeps the speed from being measured.
    public init(_ plan: Plan) throws {
        let processor = Processor()
        let count = plan.threads ?? processor.allowedCount
        self.init(findings: [
            processor.instructions,
            processor.time,
            try ProductSpeed(threads: count).finding,
            try Self.memory(plan, threads: count),
            SharedDirectory(path: plan.directory).finding(),
            Network.finding(port: plan.port),
            Clock.finding(),
        ])
    }

    init(findings: [Finding]) { self.findings = findings }

    /// The worst of all verdicts.
    public var verdict: Finding.Verdict { findings.map(\.verdict).max() ?? .good }

    private static func memory(_ plan: Plan, threads: Int) throws -> Finding {
        let name: String
        let model: Configuration
        if let path = plan.configuration {
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
        let estimate = MemoryEstimate(model, threads: threads, workers: plan.workers)
        let who = plan.workers == 1 ? "a worker" : "\(plan.workers) workers"
        return Memory().finding(
            neededBytes: plan.workers * estimate.bytes,
            for: "\(who) of \(name) with \(threads) threads")
    }

    /// The verdict, and every finding under its subject.
    public var json: JSONValue {
        var members: [String: JSONValue] = ["verdict": .string(verdict.rawValue)]
        for finding in findings {
            members[finding.subject.replacing(" ", with: "_")] = finding.json
        }
        return .object(members)
    }

    /// A line for each finding, with its remedy, and what they come to.
    public var text: String { (findings.map(Self.text) + [summary]).joined(separator: "\n") }

    private static func text(of finding: Finding) -> String {
        let mark =
            switch finding.verdict {
            case .good: "ok      "
            case .warning: "warning "
            case .problem: "PROBLEM "
            }
        return "\(mark) \(finding.subject): \(finding.text)"
            + (finding.remedy.map { "\n         remedy: \($0)" } ?? "")
    }

    private var summary: String {
        let problems = findings.count { $0.verdict == .problem }
        let warnings = findings.count { $0.verdict == .warning }
        if problems > 0 { return "\(problems) of \(findings.count) checks would make a run fail" }
        if warnings > 0 {
            return "a run works here; \(warnings) of \(findings.count) checks could be better"
        }
        return "nothing stands in the way of a run"
    }
}
