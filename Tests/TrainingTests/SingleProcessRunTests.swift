import Checkpoints
import Configurations
import Electrocardiography
import Foundation
import Runs
import Runtime
import Testing

@testable import Training

/// How a run in one process ends when something breaks in the middle of it.
@Suite(.serialized) final class SingleProcessRunTests {
    private let folder: FilePath
    private let dataset: PreparedDataset
    private var run: RunDirectory { RunDirectory(path: folder.appending("run")) }

    init() throws {
        folder = FilePath.temporary.absolute.appending("purkinje-single-\(UUID())")
        try folder.makeFolders()
        let records = folder.appending("ecg")
        _ = try SyntheticDataset(recordCount: 60, seed: 3).write(to: records, threads: 1)
        let options = DatasetPreparation.Options(
            sources: [records], output: folder.appending("ecg.purkinje"), threads: 1)
        _ = try DatasetPreparation(options).run(shouldStop: { false }, progress: { _ in })
        dataset = try PreparedDataset(path: folder.appending("ecg.purkinje"))
    }

    deinit { try? folder.removeAll() }

    private func configuration() throws -> Configuration {
        try Configuration([
            "method": "st-mem", "seed": 1, "batchSize": 8, "logicalShards": 2, "steps": 6,
            "encoder": ["width": 32, "depth": 1, "heads": 1, "headWidth": 32],
        ])
    }

    /// Trains, with something that happens after a step.
    ///
    /// - Returns: What was warned of.
    private func train(
        _ after: Int, then strike: @escaping () throws -> Void
    ) throws -> (warnings: [String], error: (any Error)?) {
        var warnings: [String] = []
        var failure: (any Error)?
        let training = try SingleProcessRun(
            directory: run, configuration: configuration(), dataPath: dataset.path, fresh: false,
            threads: 1,
            observer: SingleProcessRun.Observer(
                note: { _ in }, warning: { warnings.append($0) },
                step: { metrics in
                    guard metrics.step == after else { return }
                    do { try strike() } catch { failure = error }
                }))
        do {
            _ = try training.run(stopAfter: nil, shouldStop: { false })
            return (warnings, failure)
        } catch {
            return (warnings, failure ?? error)
        }
    }

    /// Spoils every window of the data set, in the file that is mapped.
    private func spoilWindows() throws {
        let file = try SystemFiles().open(dataset.path, .present)
        let windowBytes = 12 * dataset.samplesPerWindow * 2
        // Not the header, nor what stands behind the windows.
        let end = dataset.windowCount * windowBytes
        for offset in stride(from: 10_000, to: end, by: windowBytes / 4) {
            try file.write([0x5A, 0xA5, 0x5A], at: offset)
        }
    }

    private func lastEvent() throws -> JSONValue? { try run.lastEvents(1).last }

    @Test(arguments: [1, 2, 4]) func aDamagedWindowEndsTheRunWithItsStepsSaved(step: Int) throws {
        let (warnings, error) = try train(step) { [self] in try spoilWindows() }
        let damage = try #require(error as? PreparedDatasetError)
        #expect(damage.field.hasPrefix("window "), "\(damage)")
        #expect(warnings.isEmpty, "\(warnings)")
        let newest = try run.checkpoints.newestWhole { _, _ in }
        #expect(newest?.name.step == UInt64(step))
        let event = try lastEvent()
        #expect(event?["event"] == "end")
        #expect(event?["message"]?.stringValue == "\(damage)")
    }

    /// What the user has to know is the first error; that it could not be saved, too, is said beside it.
    @Test func aSaveThatFailsBesideIsAWarning() throws {
        let checkpoints = run.checkpoints.path
        let (warnings, error) = try train(3) { [self] in
            try spoilWindows()
            // Nothing can be made where a file is.
            try checkpoints.removeAll()
            try AtomicFile.write("", to: checkpoints)
        }
        #expect(error is PreparedDatasetError, "\(String(describing: error))")
        #expect(warnings.count { $0.contains("step 3 could not be saved") } == 1, "\(warnings)")
        #expect(try lastEvent()?["event"] == "end")
    }

    @Test func aRunThatGoesOnAfterwardsHasTheSameBits() throws {
        let copy = folder.appending("copy")
        try AtomicFile.write(try dataset.path.contents(), to: copy)
        _ = try train(2) { [self] in try spoilWindows() }
        // In place, as the file is mapped.
        let whole = try copy.contents()
        try SystemFiles().open(dataset.path, .present).write(whole, at: 0)
        let (warnings, error) = try train(.max) {}
        #expect(error == nil && warnings.isEmpty, "\(String(describing: error)) \(warnings)")
        let digest = try run.checkpoints.newestWhole { _, _ in }?.manifest.stateDigest
        try run.path.removeAll()
        _ = try train(.max) {}
        #expect(try run.checkpoints.newestWhole { _, _ in }?.manifest.stateDigest == digest)
        #expect(digest != nil)
    }
}
