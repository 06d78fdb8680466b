import Electrocardiography
import Kernels

/// Measures records: beats, waves, intervals, axes, amplitudes, quality.
///
/// Plain arithmetic throughout, so the same samples give the same bits on every machine. Workspaces are kept between
/// records: one instance a thread.
public final class ClinicalAnalyser {
    private let conditioner = RecordConditioner()

    /// An analyser.
    public init() {}

    /// Rates that records may have, in Hz.
    public static let rates: ClosedRange<Double> = 50...20_000

    /// Measures a record.
    ///
    /// - Parameters:
    ///   - leads: Twelve leads in mV, in the standard order, all of one length; empty where missing, NaN where invalid.
    ///   - sampleRateHz: Their rate.
    /// - Returns: What could be measured.
    /// - Precondition: There are twelve leads, and the rate is one of `rates`.
    public func measure(_ leads: [[Float]], sampleRateHz: Double) -> ClinicalMeasurements {
        precondition(
            leads.count == Lead.allCases.count && Self.rates.contains(sampleRateHz),
            "\(leads.count) leads at \(sampleRateHz) Hz")
        let length = leads.map(\.count).max() ?? 0
        var result = ClinicalMeasurements(
            sampleRateHz: sampleRateHz, sampleCount: length, quality: 0, flags: [.noBeats],
            leads: .init(repeating: .init(quality: 0), count: leads.count))
        guard let record = conditioner.condition(leads, rateHz: sampleRateHz) else { return result }
        let scale = record.sourceSamplesPerSample
        result.gaps = record.gaps.common.map { gap in
            let from = min(length, Int((Double(gap.lowerBound) * scale).rounded()))
            return from..<max(from, min(length, Int((Double(gap.upperBound) * scale).rounded())))
        }
        let detector = BeatDetector(record)
        let ensemble = BeatEnsemble(detector.places, in: record)
        guard !ensemble.beats.isEmpty else {
            result.flags =
                [detector.isBeyondCounting ? .notMeasurable : .noBeats] + Self.flags(of: record)
            return result
        }
        BeatMeasurement(record, ensemble).fill(&result)
        result.flags = Self.flags(of: result) + Self.flags(of: record)
        return result
    }

    /// A lead that is invalid for a larger part of the record counts as missing.
    private static let invalidShareLimit = 0.01

    private static func flags(of record: ConditionedRecord) -> [ClinicalMeasurements.Flag] {
        var flags: [ClinicalMeasurements.Flag] = []
        if record.faults.contains(where: {
            $0.isMissing || $0.isDerived || $0.invalidShare > invalidShareLimit
        }) {
            flags.append(.missingLeads)
        }
        if !record.gaps.common.isEmpty { flags.append(.gaps) }
        if record.faults.contains(where: \.isFlat) { flags.append(.flatLead) }
        if record.faults.contains(where: { $0.clippedShare > 0.01 }) { flags.append(.clipped) }
        if record.spikes.count > 1 { flags.append(.paced) }
        return flags
    }

    private static func flags(of result: ClinicalMeasurements) -> [ClinicalMeasurements.Flag] {
        var flags: [ClinicalMeasurements.Flag] = []
        if result.beats.count(where: { $0.kind == .dominant }) < 3 { flags.append(.fewBeats) }
        if result.quality < 0.5 { flags.append(.noisy) }
        if result.beats.contains(where: { $0.kind == .ectopic }) { flags.append(.ectopicBeats) }
        if let share = result.rhythm.pWaveShare, share < 0.5 { flags.append(.noPWaves) }
        if let share = result.rhythm.rrIrregularShare, share > 0.25 { flags.append(.irregular) }
        if let rate = result.rhythm.heartRatePerMinute {
            if rate < 50 { flags.append(.slow) }
            if rate > 100 { flags.append(.fast) }
        }
        return flags
    }
}
