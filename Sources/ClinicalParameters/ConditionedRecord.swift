import Electrocardiography
import Kernels

/// The leads of a record at the rate that everything is measured at, in the bands that the steps need.
struct ConditionedRecord {
    /// Samples a second of all signals here, whatever the record's rate is.
    static let rateHz = 500.0

    /// Samples of each lead.
    let count: Int
    /// The record's samples to one sample here.
    let sourceSamplesPerSample: Double
    /// Baseline taken out (0.5 Hz), nothing else; empty where a lead cannot be used.
    var broad: [[Float]]
    /// 0.5 to 40 Hz: what waves are measured on.
    var smooth: [[Float]]
    /// 5 to 25 Hz: what beats are found by.
    var band: [[Float]]
    /// What was wrong with each lead before any filter.
    var faults: [LeadFaults]
    /// Places of pacing spikes.
    var spikes: [Int]
    /// Where each lead, or all of them, have no signal.
    var gaps: SignalGaps

    /// Leads that can be used, in the standard order.
    var usableLeads: [Int] { broad.indices.filter { !broad[$0].isEmpty } }
    /// Usable ones of the leads that do not follow from others; where none is, all usable ones.
    var independentLeads: [Int] {
        let chosen = usableLeads.filter { $0 < 2 || $0 > 5 }
        return chosen.isEmpty ? usableLeads : chosen
    }
}

/// What is wrong with a lead as it was recorded.
struct LeadFaults: Equatable {
    /// The record does not have the lead.
    var isMissing = false
    /// The lead does not move.
    var isFlat = false
    /// Its samples are those of leads I and II, or the lead was computed from them.
    var isDerived = false
    /// Part of the samples that are invalid, of those where any lead has a signal.
    var invalidShare = 0.0
    /// Part of the samples that stick at the largest or smallest value.
    var clippedShare = 0.0
}

/// Turns records of any rate into conditioned ones.
///
/// Workspaces are kept between records: one instance a thread.
final class RecordConditioner {
    private var resamplers: [Int: Resampler] = [:]
    private let highPass = ZeroPhaseFilter(
        .high, cutoffHz: 0.5, sampleRateHz: ConditionedRecord.rateHz)
    private let lowPass = ZeroPhaseFilter(
        .low, cutoffHz: 40, sampleRateHz: ConditionedRecord.rateHz)
    private let bandHighPass = ZeroPhaseFilter(
        .high, cutoffHz: 5, sampleRateHz: ConditionedRecord.rateHz)
    private let bandLowPass = ZeroPhaseFilter(
        .low, cutoffHz: 25, sampleRateHz: ConditionedRecord.rateHz)

    /// Samples by which a signal is extended at each end before the filters.
    private static let extensionCount = 500
    /// In less than half a second nothing tells a P wave from a complex.
    private static let fewestSamples = 250
    /// A lead with a larger part of invalid samples is not used.
    private static let invalidShareLimit = 0.3
    /// A lead that moves by less than this, in mV from the 2nd to the 98th percentile, is flat.
    private static let flatMillivolts: Float = 0.004

    /// Conditions a record.
    ///
    /// - Parameters:
    ///   - leads: Twelve leads in mV in the standard order, NaN where invalid; empty where missing.
    ///   - rateHz: Their rate.
    /// - Returns: `nil` when no lead can be used.
    func condition(_ leads: [[Float]], rateHz: Double) -> ConditionedRecord? {
        let length = leads.map(\.count).max() ?? 0
        let count = Int((Double(length) * ConditionedRecord.rateHz / rateHz).rounded())
        guard count >= Self.fewestSamples else { return nil }
        var faults = [LeadFaults](repeating: LeadFaults(), count: leads.count)
        var gaps = SignalGaps(leads, length: length)
        var repaired = leads.indices.map {
            Self.repaired(leads[$0], length, gaps.unseenShare(of: $0), &faults[$0])
        }
        Self.deriveLimbLeads(&repaired, &faults, &gaps)
        let usable = repaired.indices.filter { !repaired[$0].isEmpty }
        guard !usable.isEmpty else { return nil }
        gaps.restrict(to: usable)
        var sources = usable.map { repaired[$0] }
        let spikes = PacingSpikes.remove(from: &sources, rateHz: rateHz)
        var raw = resampled(sources, length, to: count)
        MainsHum.remove(from: &raw)
        let ratio = Double(count) / Double(length)
        var record = ConditionedRecord(
            count: count, sourceSamplesPerSample: Double(length) / Double(count),
            broad: .init(repeating: [], count: leads.count),
            smooth: .init(repeating: [], count: leads.count),
            band: .init(repeating: [], count: leads.count), faults: faults,
            spikes: spikes.map { min(count - 1, Int((Double($0) * ratio).rounded())) },
            gaps: gaps.scaled(by: ratio, count: count))
        for first in stride(from: 0, to: usable.count, by: 4) {
            filter(raw, Array(usable[first...].prefix(4)), first, into: &record)
        }
        return record
    }

    /// Fills gaps with straight lines and notes what is wrong; empty when a lead cannot be used.
    private static func repaired(
        _ lead: [Float], _ length: Int, _ invalidShare: Double, _ faults: inout LeadFaults
    ) -> [Float] {
        guard lead.count == length else {
            faults.isMissing = true
            return []
        }
        var result = lead
        var last: Int?
        for t in result.indices where SignalGaps.isValid(result[t]) {
            let start = last.map { $0 + 1 } ?? 0
            if start < t {
                let before = last.map { result[$0] } ?? result[t]
                let step = (result[t] - before) / Float(t - start + 1)
                for gap in start..<t { result[gap] = before + step * Float(gap - start + 1) }
            }
            last = t
        }
        faults.invalidShare = invalidShare
        guard let last, invalidShare <= invalidShareLimit else { return [] }
        for t in last + 1..<max(last + 1, length) { result[t] = result[last] }
        let range =
            OrderStatistics.quantile(result, 0.98) - OrderStatistics.quantile(result, 0.02)
        let extremes = result.reduce((Float.infinity, -Float.infinity)) {
            (min($0.0, $1), max($0.1, $1))
        }
        guard extremes.1 - extremes.0 > 5 * flatMillivolts || range > flatMillivolts else {
            faults.isFlat = true
            return []
        }
        faults.clippedShare = clippedShare(result, extremes.0, extremes.1)
        return result
    }

    /// The part of the samples in runs of three or more at an extreme.
    private static func clippedShare(_ lead: [Float], _ lowest: Float, _ highest: Float) -> Double {
        var (clipped, run) = (0, 0)
        for value in lead {
            if value == lowest || value == highest {
                run += 1
                clipped += run == 3 ? 3 : run > 3 ? 1 : 0
            } else {
                run = 0
            }
        }
        return Double(clipped) / Double(max(1, lead.count))
    }

    /// Computes limb leads that are missing from those that are there.
    private static func deriveLimbLeads(
        _ leads: inout [[Float]], _ faults: inout [LeadFaults], _ gaps: inout SignalGaps
    ) {
        guard leads.count == Lead.allCases.count else { return }
        func fill(_ lead: Int, _ a: Int, _ b: Int, _ value: (Float, Float) -> Float) {
            guard leads[lead].isEmpty, !faults[lead].isFlat, !leads[a].isEmpty, !leads[b].isEmpty
            else { return }
            leads[lead] = zip(leads[a], leads[b]).map(value)
            faults[lead].isDerived = true
            gaps.derive(lead, from: a, b)
        }
        fill(0, 1, 2) { $0 - $1 }
        fill(1, 0, 2) { $0 + $1 }
        fill(2, 0, 1) { $1 - $0 }
        fill(3, 0, 1) { -($0 + $1) / 2 }
        fill(4, 0, 1) { $0 - $1 / 2 }
        fill(5, 0, 1) { $1 - $0 / 2 }
    }

    /// Brings leads to the working rate; the line from first to last sample is kept out of the Fourier method.
    private func resampled(_ leads: [[Float]], _ length: Int, to count: Int) -> [[Float]] {
        guard length != count else { return leads }
        if resamplers.count > 8 { resamplers.removeAll() }
        let resampler =
            resamplers[length] ?? Resampler(inputCount: length, outputCount: count)
        resamplers[length] = resampler
        let lines = leads.map { lead in
            (lead[0], (lead[length - 1] - lead[0]) / Float(max(1, length - 1)))
        }
        var flat: [Float] = []
        flat.reserveCapacity(leads.count * length)
        for (lead, line) in zip(leads, lines) {
            for t in 0..<length { flat.append(lead[t] - line.0 - line.1 * Float(t)) }
        }
        var result = [Float](repeating: 0, count: leads.count * count)
        flat.withUnsafeBufferPointer { from in
            result.withUnsafeMutableBufferPointer { to in
                let rows = leads.indices.map {
                    UnsafeBufferPointer(rebasing: from[$0 * length..<($0 + 1) * length])
                }
                resampler.resample(rows, into: to)
            }
        }
        let ratio = Float(Double(length) / Double(count))
        return leads.indices.map { lead in
            (0..<count).map {
                result[lead * count + $0] + lines[lead].0 + lines[lead].1 * Float($0) * ratio
            }
        }
    }

    /// Filters up to four leads side by side.
    private func filter(
        _ raw: [[Float]], _ leads: [Int], _ first: Int, into record: inout ConditionedRecord
    ) {
        typealias Lanes = ZeroPhaseFilter.Lanes
        let (count, padding) = (record.count, min(Self.extensionCount, record.count - 1))
        let total = count + 2 * padding
        func values(_ buffer: UnsafeMutableBufferPointer<Lanes>, _ lane: Int) -> [Float] {
            UnsafeRawBufferPointer(buffer).withMemoryRebound(to: Double.self) { doubles in
                [Float](unsafeUninitializedCapacity: count) { result, filled in
                    for t in 0..<count { result[t] = Float(doubles[4 * (padding + t) + lane]) }
                    filled = count
                }
            }
        }
        withUnsafeTemporaryAllocation(of: Lanes.self, capacity: total) { buffer in
            guard let start = buffer.baseAddress else { return }
            buffer.initialize(repeating: Lanes())
            UnsafeMutableRawBufferPointer(buffer).withMemoryRebound(to: Double.self) { doubles in
                for lane in leads.indices {
                    let lead = raw[first + lane]
                    let (front, back) = (2 * Double(lead[0]), 2 * Double(lead[count - 1]))
                    for t in 0..<count { doubles[4 * (padding + t) + lane] = Double(lead[t]) }
                    for t in 1..<padding + 1 {
                        doubles[4 * (padding - t) + lane] = front - Double(lead[t])
                        doubles[4 * (padding + count - 1 + t) + lane] =
                            back - Double(lead[count - 1 - t])
                    }
                }
            }
            highPass.apply(start, count: total)
            for (lane, lead) in leads.enumerated() { record.broad[lead] = values(buffer, lane) }
            lowPass.apply(start, count: total)
            for (lane, lead) in leads.enumerated() { record.smooth[lead] = values(buffer, lane) }
            bandHighPass.apply(start, count: total)
            bandLowPass.apply(start, count: total)
            for (lane, lead) in leads.enumerated() { record.band[lead] = values(buffer, lane) }
        }
    }
}
