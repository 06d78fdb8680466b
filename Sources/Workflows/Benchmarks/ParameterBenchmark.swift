import ClinicalParameters
import CommandLineInterface
import Electrocardiography
import Foundation
import Runtime

/// How fast clinical parameters are extracted of synthetic records in memory, on one thread.
public struct ParameterBenchmark: CommandResult {
    private let recordsPerRound: Int
    private let recordsPerProcessorSecond: Double
    private let beatsPerRecord: Double
    /// Seconds of each round, the fastest first.
    private let times: [Double]
    private var rate: Double { Double(recordsPerRound) / times[times.count / 2] }
    private var fastestRate: Double { Double(recordsPerRound) / times[0] }

    /// Measures.
    ///
    /// - Parameters:
    ///   - records: Different records of 10 s at 500 Hz.
    ///   - rounds: How often each is measured; the median round counts.
    /// - Throws: Whatever keeps the records from being written for a moment.
    public init(records: Int, rounds: Int) throws {
        let folder = FilePath.temporary.appending("purkinje-bench-\(UUID().uuidString)")
        defer { try? folder.removeAll() }
        _ = try SyntheticDataset(recordCount: records, seed: 1).write(to: folder, threads: 1)
        let signals = try RecordFolder.records(below: folder).map { name in
            let record = try WFDBRecord.read(folder.appending(name))
            return (record.standardLeads().map { $0?.samples ?? [] }, record.sampleRateHz)
        }
        let analyser = ClinicalAnalyser()
        var beats = 0
        let processorStart = Self.processorSeconds()
        times = (0..<rounds).map { _ -> Double in
            let start = ContinuousClock.now
            for (leads, rate) in signals {
                beats += analyser.measure(leads, sampleRateHz: rate).beats.count
            }
            return (ContinuousClock.now - start) / .seconds(1)
        }.sorted()
        recordsPerRound = signals.count
        let measured = Double(signals.count * rounds)
        recordsPerProcessorSecond = measured / (Self.processorSeconds() - processorStart)
        beatsPerRecord = Double(beats) / measured
    }

    /// Rates, of which the median round's comes first.
    public var json: JSONValue {
        [
            "records_per_second": .measured(rate),
            "records_per_processor_second": .measured(recordsPerProcessorSecond),
            "fastest_records_per_second": .measured(fastestRate),
            "milliseconds_per_record": .measured(1000 / rate),
            "beats_per_record": .measured(beatsPerRecord),
        ]
    }

    /// The same as a table.
    public var text: String {
        Output.table([
            ["records a second", decimals(rate, 0)],
            ["  of processor time", decimals(recordsPerProcessorSecond, 0)],
            ["  fastest round", decimals(fastestRate, 0)],
            ["a record", "\(decimals(1000 / rate, 2)) ms"],
            ["beats a record", decimals(beatsPerRecord, 1)],
        ])
    }

    /// Time that this thread has spent on a processor.
    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
