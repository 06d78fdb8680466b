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
                [detector.isBeyondCounting ? .notMeasurable : .noBeats]
                + Self.flags(of: record, beats: [])
            return result
        }
        BeatMeasurement(record, ensemble).fill(&result)
        if sampleRateHz < Self.leastQRSRateHz {
            result.intervals.qrsMilliseconds = nil
            result.intervals.jtMilliseconds = nil
        }
        if sampleRateHz < Self.leastIntervalRateHz { result.intervals = .init() }
        result.flags =
            Self.flags(of: result, usableLeads: record.usableLeads)
            + Self.flags(of: record, beats: ensemble.beats.map(\.r))
        return result
    }

    /// Between samples that are farther apart QRS cannot be seen to begin and end.
    private static let leastQRSRateHz = 90.0
    /// Between samples that are farther apart no wave can.
    private static let leastIntervalRateHz = 60.0

    /// A lead that is invalid for a larger part of the record counts as missing.
    private static let invalidShareLimit = 0.01

    private static func flags(
        of record: ConditionedRecord, beats: [Int]
    ) -> [ClinicalMeasurements.Flag] {
        var flags: [ClinicalMeasurements.Flag] = []
        if record.faults.contains(where: {
            $0.isMissing || $0.isDerived || $0.invalidShare > invalidShareLimit
        }) {
            flags.append(.missingLeads)
        }
        if !record.gaps.common.isEmpty { flags.append(.gaps) }
        if record.faults.contains(where: \.isFlat) { flags.append(.flatLead) }
        if record.faults.contains(where: { $0.clippedShare > 0.01 }) { flags.append(.clipped) }
        if PacingSpikes.arePacing(record.spikes, beats) { flags.append(.paced) }
        return flags
    }

    private static func flags(
        of result: ClinicalMeasurements, usableLeads: [Int]
    ) -> [ClinicalMeasurements.Flag] {
        var flags: [ClinicalMeasurements.Flag] = []
        if result.sampleRateHz < leastQRSRateHz { flags.append(.lowSampleRate) }
        if result.beats.count(where: { $0.kind == .dominant }) < 3 { flags.append(.fewBeats) }
        // Leads that are missing lower the record's quality, but make no noise.
        let qualities = usableLeads.map { result.leads[$0].quality }
        if qualities.reduce(0, +) < 0.5 * Double(qualities.count) { flags.append(.noisy) }
        if result.beats.contains(where: { $0.kind == .ectopic }) { flags.append(.ectopicBeats) }
        if result.typicalBeat?.p == nil { flags.append(.noPWaves) }
        if isIrregular(result.rhythm) { flags.append(.irregular) }
        if let rate = result.rhythm.heartRatePerMinute {
            if rate < 50 { flags.append(.slow) }
            if rate > 100 { flags.append(.fast) }
        }
        return flags
    }

    /// Whether the rhythm changes from beat to beat, or much from time to time.
    ///
    /// In atrial fibrillation every interval differs from the one before, at any rate. The median of these changes, unlike
    /// their root mean square, stays small where one early beat and the pause behind it are all that is irregular.
    private static func isIrregular(_ rhythm: ClinicalMeasurements.Rhythm) -> Bool {
        rhythm.rrChangeShare ?? 0 > 0.07 || rhythm.rrIrregularShare ?? 0 > 0.25
    }
}
