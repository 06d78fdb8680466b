import ClinicalParameters
import CommandLineInterface
import Electrocardiography
import Foundation
import Runtime

private let records = Option(
    "records", .count, default: 32, help: "Different synthetic records of 10 s at 500 Hz.")
private let rounds = Option(
    "rounds", .count, default: 9, help: "How often each is measured; the median round counts.")

/// `purkinje bench parameters`.
let benchParametersCommand = Command(
    "bench parameters",
    summary: "measures how fast clinical parameters are extracted",
    discussion: """
        Extracts all parameters of synthetic records (10 s, 12 leads, 500 Hz) that are in memory, on one thread, and \
        prints the records a second of the median round, and those a second of processor time, which other programs on \
        the machine disturb less.
        """,
    parameters: [records, rounds, Flag.json],
    example: "purkinje bench parameters --records 64"
) { given in
    let folder = FilePath.temporary.appending("purkinje-bench-\(UUID().uuidString)")
    defer { try? folder.removeAll() }
    _ = try SyntheticDataset(recordCount: given[records], seed: 1).write(to: folder, threads: 1)
    let signals = try RecordFolder.records(below: folder).map { name in
        let record = try WFDBRecord.read(folder.appending(name))
        return (record.standardLeads().map { $0?.samples ?? [] }, record.sampleRateHz)
    }
    let analyser = ClinicalAnalyser()
    var beats = 0
    let processorStart = processorSeconds()
    let times = (0..<given[rounds]).map { _ -> Double in
        let start = ContinuousClock.now
        for (leads, rate) in signals {
            beats += analyser.measure(leads, sampleRateHz: rate).beats.count
        }
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }.sorted()
    let onProcessor =
        Double(signals.count * given[rounds]) / (processorSeconds() - processorStart)
    let median = times[times.count / 2]
    let rate = Double(signals.count) / median
    let found = Double(beats) / Double(signals.count * given[rounds])
    if given[.json] {
        Output.write([
            "records_per_second": .measured(rate),
            "records_per_processor_second": .measured(onProcessor),
            "fastest_records_per_second": .measured(Double(signals.count) / times[0]),
            "milliseconds_per_record": .measured(1000 / rate), "beats_per_record": .measured(found),
        ])
    } else {
        Output.write(
            Output.table([
                ["records a second", decimals(rate, 0)],
                ["  of processor time", decimals(onProcessor, 0)],
                ["  fastest round", decimals(Double(signals.count) / times[0], 0)],
                ["a record", "\(decimals(1000 / rate, 2)) ms"],
                ["beats a record", decimals(found, 1)],
            ]))
    }
    return .success
}

/// Time that this thread has spent on a processor.
private func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
