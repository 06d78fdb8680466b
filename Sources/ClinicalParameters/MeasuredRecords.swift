import Electrocardiography
import Runtime

/// Reads and measures records side by side, and hands the results out in the order of the records.
public struct MeasuredRecords: Sendable {
    /// A record that was read.
    public struct Measured: Sendable {
        /// The name that its header has.
        public var name: String
        /// What was measured.
        public var measurements: ClinicalMeasurements
    }

    /// What became of a record.
    public typealias Outcome = Result<Measured, WFDBError>

    private let paths: [FilePath]
    private let threads: Int

    /// Records to measure.
    ///
    /// - Parameters:
    ///   - paths: Paths of records, with or without `.hea`.
    ///   - threads: Threads that read and measure.
    public init(_ paths: [FilePath], threads: Int) {
        precondition(threads > 0, "\(threads) threads")
        (self.paths, self.threads) = (paths, threads)
    }

    private struct State {
        var next = 0
        var taken = 0
        var results: [Int: Outcome] = [:]
        var isStopped = false
    }

    /// Measures all records.
    ///
    /// - Parameter body: Called in the order of the records, from the calling thread.
    /// - Throws: What `body` throws, and `SystemError` when no thread can be started.
    public func forEach(_ body: (Int, Outcome) throws -> Void) throws {
        let state = Monitor(State())
        let paths = paths
        let window = 8 * threads
        var running: [NamedThread] = []
        defer {
            state.update { $0.isStopped = true }
            for thread in running { thread.join() }
        }
        for number in 0..<min(threads, max(1, paths.count)) {
            running.append(
                try NamedThread("measure \(number)") {
                    let analyser = ClinicalAnalyser()
                    while true {
                        let next = state.wait(
                            until: {
                                $0.isStopped || $0.next >= paths.count
                                    || $0.next < $0.taken + window
                            },
                            then: { state -> Int? in
                                guard !state.isStopped, state.next < paths.count else { return nil }
                                defer { state.next += 1 }
                                return state.next
                            })
                        guard case .some(.some(let index)) = next else { break }
                        let outcome = Result { () throws(WFDBError) in
                            try Self.measure(paths[index], by: analyser)
                        }
                        state.update { $0.results[index] = outcome }
                    }
                })
        }
        for index in paths.indices {
            let outcome = state.wait(until: { $0.results[index] != nil }) {
                $0.results.removeValue(forKey: index)
            }
            state.update { $0.taken = index + 1 }
            if case .some(.some(let outcome)) = outcome { try body(index, outcome) }
        }
    }

    /// Reads and measures one record.
    ///
    /// - Parameters:
    ///   - path: The record, with or without `.hea`.
    ///   - analyser: Does the measuring.
    /// - Returns: The record's name and what was measured.
    /// - Throws: `WFDBError` for a record that cannot be read or is no electrocardiogram.
    public static func measure(
        _ path: FilePath, by analyser: ClinicalAnalyser
    ) throws(WFDBError) -> Measured {
        let header = try WFDBHeader.read(path)
        guard ClinicalAnalyser.rates.contains(header.sampleRateHz) else {
            throw WFDBError(
                .unsupported, file: header.path, field: "rate",
                "\(header.sampleRateHz) Hz is not between \(ClinicalAnalyser.rates.lowerBound) and \(ClinicalAnalyser.rates.upperBound)"
            )
        }
        let record = try WFDBRecord.read(
            header, options: .init(frames: .averagedWhereValid, correctsNormalisedGains: true))
        let leads = record.standardLeads().map { signal -> [Float] in
            guard let signal, signal.units == "mV" else { return [] }
            return signal.samples
        }
        guard leads.contains(where: { !$0.isEmpty }) else {
            throw WFDBError(
                .unsupported, file: header.path, field: "signals",
                "none of its \(record.signals.count) signals is a standard lead in volts")
        }
        return Measured(
            name: record.name,
            measurements: analyser.measure(leads, sampleRateHz: record.sampleRateHz))
    }
}
