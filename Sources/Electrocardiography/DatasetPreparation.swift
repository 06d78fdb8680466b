import Foundation
import Runtime

/// Reads records from folders into one prepared data set.
///
/// Threads prepare records side by side; one thread writes their windows in the order of the catalogue, so the file
/// is the same whatever the threads. What is done stands in a journal beside the unfinished file: an
/// interrupted preparation goes on there, and the final name appears only with the whole file.
public struct DatasetPreparation: Sendable {
    /// What to prepare, and how.
    public struct Options: Sendable {
        /// Folders of PTB-XL or of WFDB records.
        public var sources: [FilePath]
        /// The data set's file.
        public var output: FilePath
        /// Samples a second in the set.
        public var rateHz: Double
        /// One window a record instead of every whole one.
        public var takesFirstWindowOnly: Bool
        /// Which of PTB-XL's rates to read (100 or 500); `nil` for the higher one that is there.
        public var sourceRateHz: Double?
        /// Keeps one of several records with the same samples.
        public var keepsUniqueOnly: Bool
        /// Threads that read and resample.
        public var threads: Int
        /// What is computed of each window beside its samples.
        public var features: WindowFeatures?

        /// A preparation at 250 Hz of every window.
        public init(
            sources: [FilePath], output: FilePath, rateHz: Double = 250,
            takesFirstWindowOnly: Bool = false, sourceRateHz: Double? = nil,
            keepsUniqueOnly: Bool = false, threads: Int = 1, features: WindowFeatures? = nil
        ) {
            self.sources = sources
            self.output = output
            self.rateHz = rateHz
            self.takesFirstWindowOnly = takesFirstWindowOnly
            self.sourceRateHz = sourceRateHz
            self.keepsUniqueOnly = keepsUniqueOnly
            self.threads = threads
            self.features = features
        }
    }

    /// How far a preparation is.
    public struct Progress: Sendable {
        /// Records done, those of an interrupted attempt included.
        public var recordsDone: Int
        /// Records in all.
        public var recordsInAll: Int
        /// Windows written.
        public var windows: Int
        /// Records that an interrupted attempt had done.
        public var resumedRecords: Int
    }

    /// How a preparation ended.
    public enum Outcome: Sendable {
        /// The file is there.
        case finished(PreparationReport)
        /// Somebody asked to stop; the same call goes on from here.
        case interrupted(Progress)
    }

    private let options: Options

    /// A preparation; nothing is read yet.
    public init(_ options: Options) { self.options = options }

    private var samplesPerWindow: Int {
        Int((PreparedFormat.windowSeconds * options.rateHz).rounded())
    }
    /// The file itself, where the output is a link: what is unfinished lies beside it, from where it can be renamed.
    private var target: FilePath {
        get throws(SystemError) { try options.output.followingLinks() }
    }
    private var partialPath: FilePath {
        get throws(SystemError) { try target + ".partial" }
    }
    private var journalPath: FilePath {
        get throws(SystemError) { try target + ".partial.journal" }
    }

    /// Prepares the data set.
    ///
    /// - Parameters:
    ///   - shouldStop: Asked between records, from any thread; work that has begun is finished and kept.
    ///   - progress: Told after every record, from the calling thread.
    /// - Returns: A report, or how far it came.
    /// - Throws: `SourceError` for a source that cannot be used, `SystemError` when writing fails.
    public func run(
        shouldStop: @escaping @Sendable () -> Bool = { false },
        progress: (Progress) -> Void = { _ in }
    ) throws -> Outcome {
        precondition(
            options.rateHz >= 50 && options.rateHz <= 20_000 && options.threads > 0,
            "a preparation at \(options.rateHz) Hz on \(options.threads) threads")
        let catalogue = try RecordCatalogue(
            folders: options.sources, sourceRateHz: options.sourceRateHz)
        let plan = self.plan(catalogue)
        var finished: [PreparedRecord] = []
        let journal = try PreparationJournal.open(
            path: journalPath, plan: plan, finished: &finished)
        var set = PreparedSet(catalogue, keepsUniqueOnly: options.keepsUniqueOnly)
        var writer = try resume(catalogue, plan, journal, &finished, &set)
        var state = Progress(
            recordsDone: finished.count, recordsInAll: catalogue.entries.count,
            windows: writer.windowCount, resumedRecords: finished.count)
        let pool = try RecordPool(
            catalogue.entries.map(\.path), from: finished.count, options: options,
            samplesPerWindow: samplesPerWindow, shouldStop: shouldStop)
        defer { pool.stop() }
        while state.recordsDone < state.recordsInAll {
            guard let (record, samples) = pool.take(state.recordsDone) else {
                try writer.synchronise()
                return .interrupted(state)
            }
            let windows = set.add(record)
            var failure: SystemError?
            samples.withUnsafeBytes { bytes in
                do throws(SystemError) {
                    let size = windows.isEmpty ? 0 : bytes.count / windows.count
                    for (i, window) in windows.enumerated() {
                        let samples = bytes[i * size..<(i + 1) * size]
                        try writer.append(UnsafeRawBufferPointer(rebasing: samples), window)
                    }
                } catch { failure = error }
            }
            if let failure { throw failure }
            try journal.append(record)
            state.recordsDone += 1
            state.windows += windows.count
            progress(state)
        }
        set.shareFoldsOfCopies()
        let digest = try writer.finish(set.table, as: try target)
        let report = set.report(
            output: options.output, digest: digest, sampleRateHz: options.rateHz)
        try AtomicFile.write(
            report.json.text(pretty: true) + "\n", to: options.output + ".report.json")
        try journalPath.remove()
        return .finished(report)
    }

    /// Goes back to the last record that is whole both in the journal and in the unfinished file.
    private func resume(
        _ catalogue: RecordCatalogue, _ plan: Digest, _ journal: borrowing PreparationJournal,
        _ finished: inout [PreparedRecord], _ set: inout PreparedSet
    ) throws(SystemError) -> PreparedDatasetWriter {
        let limit = min(finished.count, catalogue.entries.count)
        var windows: [PreparedDatasetWriter.Window] = []
        var fresh = set
        for record in finished.prefix(limit) { windows += fresh.add(record) }
        var writer = try PreparedDatasetWriter(
            path: partialPath, sampleRateHz: options.rateHz, samplesPerWindow: samplesPerWindow,
            featureCount: options.features?.count ?? 0,
            featureVersion: options.features?.version ?? "", resuming: windows)
        var (kept, count) = (0, 0)
        for record in finished.prefix(limit) {
            let added = set.windowCount(adding: record)
            guard count + added <= writer.windowCount else { break }
            _ = set.add(record)
            count += added
            kept += 1
        }
        if kept < finished.count {
            finished.removeLast(finished.count - kept)
            try journal.keep(finished, plan: plan)
        }
        try writer.keep(count)
        return writer
    }

    /// A digest of all that the outcome depends on, but for the contents of signal files.
    private func plan(_ catalogue: RecordCatalogue) -> Digest {
        var hash = SHA256()
        func add(_ text: String) { hash.update(Array(text.utf8) + [0]) }
        add(
            "\(PreparedFormat.version) windows-joined \(options.rateHz) \(options.takesFirstWindowOnly)"
        )
        add("\(options.features?.count ?? 0) \(options.features?.version ?? "")")
        add("\(options.keepsUniqueOnly) \(String(describing: options.sourceRateHz))")
        for source in catalogue.sources { add("\(source.kind) \(source.path)") }
        for entry in catalogue.entries {
            let status = try? (entry.path + ".hea").status()
            add("\(entry.source) \(entry.name) \(entry.path)")
            add("\(status?.byteCount ?? 0) \(status?.modifiedNanoseconds ?? 0)")
            add("\(entry.row?.fold ?? 0) \(entry.original?.fold ?? 0)")
        }
        return hash.finish()
    }
}

/// Threads that prepare records some way ahead of the one who takes them in order.
private final class RecordPool: Sendable {
    private struct State {
        var next: Int
        var taken: Int
        var results: [Int: (PreparedRecord, [Int16])] = [:]
        var running: Int
        var isStopped = false
    }

    private let state: Monitor<State>
    private let threads: Locked<[NamedThread]> = Locked([])

    init(
        _ paths: [FilePath], from first: Int, options: DatasetPreparation.Options,
        samplesPerWindow: Int, shouldStop: @escaping @Sendable () -> Bool
    ) throws(SystemError) {
        let count = min(options.threads, max(1, paths.count - first))
        let state = Monitor(State(next: first, taken: first, running: count))
        self.state = state
        for number in 0..<count {
            let thread = try NamedThread("prepare \(number)") {
                let preparation = RecordPreparation(
                    rateHz: options.rateHz, samplesPerWindow: samplesPerWindow,
                    takesFirstOnly: options.takesFirstWindowOnly,
                    features: options.features?.makeExtractor())
                while true {
                    let next = state.wait(
                        until: {
                            $0.isStopped || $0.next >= paths.count || $0.next < $0.taken + 8 * count
                        },
                        then: { state -> Int? in
                            if shouldStop() { state.isStopped = true }
                            guard !state.isStopped, state.next < paths.count else { return nil }
                            defer { state.next += 1 }
                            return state.next
                        })
                    guard case .some(.some(let index)) = next else { break }
                    let record = preparation.prepare(paths[index])
                    let samples = preparation.samples
                    state.update { $0.results[index] = (record, samples) }
                }
                state.update { $0.running -= 1 }
            }
            threads.withLock { $0.append(thread) }
        }
    }

    /// Waits for a record; `nil` when the pool stopped before it.
    func take(_ index: Int) -> (PreparedRecord, [Int16])? {
        let result = state.wait(until: { $0.results[index] != nil || $0.running == 0 }) { state in
            state.results.removeValue(forKey: index)
        }
        state.update { $0.taken = index + 1 }
        return result ?? nil
    }

    /// Ends the threads and waits for them.
    func stop() {
        state.update { $0.isStopped = true }
        for thread in threads.withLock({ $0 }) { thread.join() }
    }
}
