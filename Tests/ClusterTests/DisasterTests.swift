import Runtime
import TestSupport
import Testing

/// The promises of journal, checkpoints, metrics and configuration, with the disk going wrong at each of its operations in turn.
@Suite struct DisasterTests {
    /// How many operations an undisturbed run has.
    private static func operationCount() throws -> Int {
        let story = RunStory()
        try story.play()
        #expect(story.survived.isEmpty)
        #expect(story.sealed.map(\.step) == [2, 4, 6])
        #expect(story.lastingRecords.values.reduce(0, +) == 13)
        #expect(story.lastingSteps == [1, 2, 3, 4, 5, 6])
        try story.check(story.files.afterPowerCut(.nothing), "after the end")
        return story.files.operations.count
    }

    /// Plays the run with a fault at an operation.
    ///
    /// - Returns: The run, and what the fault hit; `nil` where the run had fewer operations.
    private func story(_ fault: MemoryFileSystem.Fault, at operation: Int) -> (RunStory, String)? {
        let files = MemoryFileSystem(folders: ["/runs"])
        files.inject(fault, at: operation)
        let story = RunStory(files)
        // How far it comes is for the checks.
        try? story.play()
        let operations = files.operations
        guard operation < operations.count else { return nil }
        return (story, "\(fault) at operation \(operation), \(operations[operation])")
    }

    @Test func aPowerCutAtAnyOperationTakesNothingThatLasts() throws {
        let count = try Self.operationCount()
        #expect(count > 200)
        let seeds = (1...2 as ClosedRange<UInt64>).map { MemoryFileSystem.Survivors.some(seed: $0) }
        for operation in 0..<count {
            guard let (story, circumstances) = story(.powerCut, at: operation) else { continue }
            for survivors in [.nothing, .names, .bytes, .everything] + seeds {
                try story.check(
                    story.files.afterPowerCut(survivors), "\(circumstances), \(survivors)")
            }
        }
    }

    @Test(arguments: [
        MemoryFileSystem.Fault.fullDisk, .failure, .lastingFailure,
    ])
    func aDiskThatFailsAtAnyOperationLosesNothing(fault: MemoryFileSystem.Fault) throws {
        for operation in 0..<(try Self.operationCount()) {
            guard let (story, circumstances) = story(fault, at: operation) else { continue }
            story.files.mend()
            let cut = story.files.afterPowerCut(.nothing)
            try story.check(story.files, circumstances)
            try story.check(cut, "\(circumstances), and a power cut")
        }
    }

    /// What would be seen of a program that forgot to synchronise: the checks are no ornament.
    @Test(arguments: [
        "/runs", "/runs/heart", "/runs/heart/one", "/runs/heart/one/checkpoints",
        "step-000000006.g1.t2.partial", "state-00001-of-00002.safetensors",
        "state-00002-of-00002.safetensors", ".partial/.tmp-", "/one/.tmp-", "journal-t1",
        "metrics.jsonl",
    ])
    func aSynchronisationThatIsForgottenIsSeen(what: String) throws {
        let files = MemoryFileSystem(folders: ["/runs"])
        files.skipSynchronisations { path in
            what.hasPrefix("/runs")
                ? path == what : path.hasSuffix(what) || what.hasSuffix("-") && path.contains(what)
        }
        let story = RunStory(files)
        try story.play()
        #expect(story.survived.isEmpty)
        withKnownIssue { try story.check(files.afterPowerCut(.nothing), what) }
    }

    /// The disk fills after so many bytes instead of at an operation.
    @Test func aDiskThatFillsAtAnyByteLosesNothing() throws {
        for capacity in stride(from: 0, to: 24_000, by: 211) {
            let files = MemoryFileSystem(folders: ["/runs"])
            files.limit(to: capacity)
            let story = RunStory(files)
            try? story.play()
            files.mend()
            try story.check(files, "room for \(capacity) bytes")
        }
    }
}
