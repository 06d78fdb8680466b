import ClinicalParameters
import CommandLineInterface
import Electrocardiography
import Foundation
import Runtime

/// The preparation of a data set, with a line that says how far it is.
public struct PreparationRun {
    private let preparation: DatasetPreparation
    private let output: FilePath

    /// A preparation of which nothing is done yet.
    ///
    /// - Parameter options: Sources, output and rate; the clinical features are added.
    /// - Throws: `CommandError` where a file that it needs cannot have its name.
    public init(_ options: DatasetPreparation.Options) throws {
        output = options.output
        try Self.checkPlaces(of: output, apartFrom: options.sources)
        var options = options
        options.features = ClinicalFeatures.ofWindows
        preparation = DatasetPreparation(options)
    }

    /// Reads, cuts, resamples and writes, or goes on with that.
    ///
    /// - Returns: What was done, to be printed; `nil` where somebody wished to end before.
    /// - Throws: `CommandError` where another process writes the same file, or there is no room.
    public func run() throws -> PreparationSummary? {
        let stop = try StopRequest.install { name in
            Log().info("\(name): finishing the records that are being read; \(SignalRule.hint)")
        }
        let line = ProgressLine()
        // Listing the sources comes first and would spoil the rate.
        var start: ContinuousClock.Instant?
        var resumed = false
        let outcome = try describingFailures {
            try preparation.run(shouldStop: { stop.isMade }) { progress in
                if progress.resumedRecords > 0, !resumed {
                    resumed = true
                    line.log(
                        "going on after \(progress.resumedRecords) records of an earlier attempt")
                }
                line.update(Self.text(of: progress, since: start ?? .now))
                if start == nil { start = .now }
            }
        }
        line.finish()
        switch outcome {
        case .finished(let report): return PreparationSummary(report: report)
        case .interrupted(let progress):
            Log().info(
                "\(progress.recordsDone) of \(progress.recordsInAll) records are done; the same command goes on from there"
            )
            return nil
        }
    }

    /// Finds out before the work whether all files can have their names; the unfinished ones lie beside a link's target.
    private static func checkPlaces(of output: FilePath, apartFrom sources: [FilePath]) throws {
        func place(_ path: FilePath) -> CommandOutput {
            CommandOutput(option: "out", path: path, isStreamed: false)
        }
        let inputs = sources.map { CommandInput.records(below: $0) }
        try checkOutputs([place(output)], apartFrom: inputs)
        let target = try output.followingLinks()
        // What most file systems take, less the ending of the longest name that is made of it.
        let room = Int(NAME_MAX) - ".partial.journal".utf8.count
        let length = max(output.lastComponent.bytes.count, target.lastComponent.bytes.count)
        guard length <= room else {
            throw CommandError(
                .usage,
                "--out \(output): the name has \(length) bytes; give it at most \(room), since files with longer "
                    + "names are written beside it (.report.json, .partial.journal)")
        }
        try checkOutputs(
            [output + ".report.json", target + ".partial", target + ".partial.journal"].map(place),
            apartFrom: inputs)
    }

    /// Says what a lock that is held and a full disk mean.
    private func describingFailures<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as SourceError where error.field == SourceError.overlap {
            throw CommandError(.usage, "--source \(error.file): \(error.problem)")
        } catch let error as SystemError where error.call == "flock" && error.code == EWOULDBLOCK {
            throw CommandError(
                .failure,
                "\(output): another `data prepare` is writing this file; wait for it, or stop it")
        } catch let error as SystemError {
            guard let remedy = error.remedyForRoom else { throw error }
            throw CommandError(
                .failure, "\(error); \(remedy), and the same command goes on from there")
        }
    }

    private static func text(
        of progress: DatasetPreparation.Progress, since start: ContinuousClock.Instant
    ) -> String {
        let fresh = Double(progress.recordsDone - progress.resumedRecords)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let rate = seconds > 0 ? fresh / seconds : 0
        var parts = [
            "record \(progress.recordsDone)/\(progress.recordsInAll)",
            counted(progress.windows, "window"),
        ]
        if seconds > 0.5, rate > 0 {
            let left = Double(progress.recordsInAll - progress.recordsDone) / rate
            parts += ["\(decimals(rate, 0)) records/s", "\(roughTime(left)) left"]
        }
        return parts.joined(separator: "  ")
    }
}

/// What a preparation did, for people and for programs.
public struct PreparationSummary: CommandResult {
    let report: PreparationReport

    /// The report, as it lies beside the set.
    public var json: JSONValue { report.json }

    /// Sources, what was left out and why, and the set.
    public var text: String {
        var lines = [Output.table([Self.head] + report.sources.indices.map(row)), ""]
        lines += report.sources.filter { $0.missingFileCount > 0 }.map {
            "\($0.path): \($0.missingFileCount) rows of the label table have no file here"
        }
        lines += report.sources.filter { $0.invalidWindowCount > 0 }.map {
            "\($0.path): \($0.invalidWindowCount) windows left out for invalid samples"
        }
        lines += skipped + duplicates
        lines += report.notes.map { "note (\($0.count)): \($0.text)" }
        lines.append(
            "\(counted(report.recordCount, "record")), \(counted(report.windowCount, "window")): \(counted(report.folds.training, "record")) to train (folds 1-8 or none), \(report.folds.validation) of fold 9, \(report.folds.test) of fold 10"
        )
        lines.append("\(report.output)  sha256:\(report.digest)")
        lines.append("every record that was left out: \(report.output).report.json")
        return lines.joined(separator: "\n")
    }

    private static let head = ["source", "kind", "found", "records", "windows", "skipped"]

    private func row(_ number: Int) -> [String] {
        let source = report.sources[number]
        let skipped = report.skipped.count { $0.source == number }
        return [
            source.path.text, source.kind, "\(source.foundCount)", "\(source.recordCount)",
            "\(source.windowCount)", "\(skipped)",
        ]
    }

    /// Reasons, each with the first ten of its records.
    private var skipped: [String] {
        report.skippedByReason.flatMap { reason, count -> [String] in
            let name = reason.rawValue.replacingOccurrences(of: "_", with: " ")
            let records = report.skipped.filter { $0.reason == reason }
            return ["skipped, \(name): \(count)"]
                + records.prefix(10).map { "  \($0.record): \($0.detail)" }
                + (records.count > 10 ? ["  and \(records.count - 10) more"] : [])
        }
    }

    private var duplicates: [String] {
        guard !report.duplicates.isEmpty else { return [] }
        let kept = report.duplicates.contains(where: \.isKept) ? "kept" : "left out"
        return ["same samples under two names, \(kept): \(report.duplicates.count)"]
            + report.duplicates.prefix(10).map { "  \($0.record) = \($0.sameAs)" }
    }
}
