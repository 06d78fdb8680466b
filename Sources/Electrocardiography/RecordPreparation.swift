import Foundation
import Runtime

/// What became of one record: its windows, or why it has none.
///
/// Codable, because the journal of a preparation holds it.
struct PreparedRecord: Codable, Sendable {
    struct Window: Codable, Sendable {
        var piece: UInt32
        var checksum: UInt32
        /// The samples' unit is 2 to this power, in mV.
        var exponent: Int
        /// Bit patterns of the clinical features: text cannot hold a NaN.
        var featureBits: [UInt32] = []

        var features: [Float] { featureBits.map { Float(bitPattern: $0) } }
    }

    var reason: SkippedRecord.Reason?
    var detail: String?
    var windows: [Window] = []
    var invalidWindowCount = 0
    /// SHA-256 of rate and leads as read: equal for records that are copies of one another.
    var signalDigest = ""
    var rateHz = 0.0
    var ageYears: Float?
    var sex: Sex?
    var codes: [DiagnosticCode] = []
    var notes: [String] = []

    static func skipped(_ reason: SkippedRecord.Reason, _ detail: String) -> PreparedRecord {
        PreparedRecord(reason: reason, detail: detail)
    }
}

/// Cuts records into windows of 10 s at one rate.
///
/// Workspaces are kept between records: one instance a thread.
final class RecordPreparation {
    private let rateHz: Double
    private let samplesPerWindow: Int
    private let takesFirstOnly: Bool
    private let features: WindowFeatures.Extractor?
    private var resamplers: [Int: Resampler] = [:]
    private let resampled: UnsafeMutableBufferPointer<Float>
    /// The samples of the record's windows, one after another.
    private(set) var samples: [Int16] = []
    /// Values that are read at once; longer records are read in parts of whole windows.
    private static let valuesAtOnce = 1 << 25

    init(
        rateHz: Double, samplesPerWindow: Int, takesFirstOnly: Bool,
        features: WindowFeatures.Extractor? = nil
    ) {
        self.features = features
        self.rateHz = rateHz
        self.samplesPerWindow = samplesPerWindow
        self.takesFirstOnly = takesFirstOnly
        resampled = .allocate(capacity: PreparedFormat.leadCount * samplesPerWindow)
        resampled.initialize(repeating: 0)
    }

    deinit { resampled.deallocate() }

    /// Prepares one record; its samples are in `samples` until the next call.
    func prepare(_ path: FilePath) -> PreparedRecord {
        samples.removeAll(keepingCapacity: true)
        do throws(WFDBError) {
            return try read(path)
        } catch {
            samples.removeAll(keepingCapacity: true)
            let reason: SkippedRecord.Reason
            switch error.kind {
            case .brokenHeader: reason = .brokenHeader
            case .unsupported: reason = .unsupported
            case .missingFile, .unreadable, .truncated, .checksum:
                let isHeader = error.file == WFDBHeader.headerPath(of: path)
                reason = isHeader ? .brokenHeader : .brokenSignal
            }
            return .skipped(reason, "\(error)")
        }
    }

    private func read(_ path: FilePath) throws(WFDBError) -> PreparedRecord {
        let header = try WFDBHeader.read(path)
        guard (50...20_000).contains(header.sampleRateHz) else {
            return .skipped(.unusualRate, "\(header.sampleRateHz) Hz is not between 50 and 20,000")
        }
        let length = Int((PreparedFormat.windowSeconds * header.sampleRateHz).rounded())
        if let count = header.sampleCount, count < length {
            return tooShort(count, header.sampleRateHz)
        }
        let comments = HeaderComments(header.comments)
        var result = PreparedRecord(
            rateHz: header.sampleRateHz, ageYears: comments.ageYears, sex: comments.sex,
            codes: comments.codes)
        var hash = SHA256()
        withUnsafeBytes(of: header.sampleRateHz.bitPattern.littleEndian) { hash.update($0) }
        var options = WFDBRecord.Options(
            frames: .averagedWhereValid, correctsNormalisedGains: true)
        let width = max(1, header.signalCount) * length
        let piecesAtOnce = max(1, Self.valuesAtOnce / width)
        let total = header.sampleCount.map { $0 / length }
        var piece = 0
        repeat {
            // Reading the whole record also verifies its checksums.
            if let count = header.sampleCount, let total, total > piecesAtOnce {
                let end = min(piece + piecesAtOnce, total)
                options.range = piece * length..<(end == total ? count : end * length)
            }
            let record = try WFDBRecord.read(header, options: options)
            if let refusal = refusal(of: record, length: length) { return refusal }
            result.notes += record.notes.filter { !result.notes.contains($0) }
            let leads = record.standardLeads().compactMap { $0?.samples }
            for lead in leads { lead.withUnsafeBytes { hash.update($0) } }
            piece = cut(leads, length: length, firstPiece: piece, into: &result)
        } while total.map { piece < $0 } ?? false && !(takesFirstOnly && !result.windows.isEmpty)
        if result.windows.isEmpty {
            return .skipped(
                .invalidSamples,
                "none of its \(result.invalidWindowCount) windows is without invalid samples")
        }
        result.signalDigest = "\(hash.finish())"
        return result
    }

    private func tooShort(_ count: Int, _ rateHz: Double) -> PreparedRecord {
        let seconds = (Double(count) / rateHz * 100).rounded() / 100
        return .skipped(.shorterThanWindow, "it lasts \(seconds) s")
    }

    private func refusal(of record: WFDBRecord, length: Int) -> PreparedRecord? {
        let leads = record.standardLeads()
        let missing = Lead.allCases.filter { leads[$0.rawValue] == nil }
        guard missing.isEmpty else {
            return .skipped(
                .leadMissing, "it has no " + missing.map(\.name).joined(separator: ", "))
        }
        for case let lead? in leads where lead.units != "mV" {
            return .skipped(.notVoltage, "lead \(lead.name) is in \(lead.units)")
        }
        return record.sampleCount < length
            ? tooShort(record.sampleCount, record.sampleRateHz) : nil
    }

    /// Cuts the whole windows of a part of a record.
    ///
    /// - Returns: The number of the next window.
    private func cut(
        _ leads: [[Float]], length: Int, firstPiece: Int, into result: inout PreparedRecord
    ) -> Int {
        let count = leads[0].count / length
        for number in 0..<count {
            let range = number * length..<(number + 1) * length
            let isValid = leads.allSatisfy { $0[range].allSatisfy(\.isFinite) }
            guard isValid else {
                result.invalidWindowCount += 1
                continue
            }
            let piece = UInt32(firstPiece + number)
            if var window = window(leads, range, piece: piece) {
                if Self.isConstant(leads, range), !result.notes.contains(Self.constantLeads) {
                    result.notes.append(Self.constantLeads)
                }
                if let features {
                    let values = features(leads.map { Array($0[range]) }, result.rateHz)
                    window.featureBits = values.map(\.bitPattern)
                }
                result.windows.append(window)
            } else {
                result.invalidWindowCount += 1
            }
            if takesFirstOnly, !result.windows.isEmpty { break }
        }
        return firstPiece + count
    }

    /// What the report says of records without a signal; they are prepared like all others.
    static let constantLeads =
        "every lead is constant in some or all windows, as with electrodes off or a converter at its limit; they are "
        + "in the set, and tell nothing about a heart"

    /// Whether no lead moves in a window.
    private static func isConstant(_ leads: [[Float]], _ range: Range<Int>) -> Bool {
        leads.allSatisfy { lead in lead[range].allSatisfy { $0 == lead[range.lowerBound] } }
    }

    /// Resamples a window and adds it to `samples`; `nil` when an amplitude is beyond all units.
    private func window(
        _ leads: [[Float]], _ range: Range<Int>, piece: UInt32
    ) -> PreparedRecord.Window? {
        if resamplers.count > 16 { resamplers.removeAll() }
        let resampler =
            resamplers[range.count]
            ?? Resampler(inputCount: range.count, outputCount: samplesPerWindow)
        resamplers[range.count] = resampler
        resampler.resample(leads.map { $0[range] }, into: resampled)
        let largest = resampled.reduce(Float(0)) { max($0, abs($1)) }
        guard let exponent = Self.exponent(largest: largest) else { return nil }
        let unitsPerMillivolt = Float(sign: .plus, exponent: -exponent, significand: 1)
        let start = samples.count
        for value in resampled {
            let units = (value * unitsPerMillivolt).rounded(.toNearestOrEven)
            samples.append(Int16(units).littleEndian)
        }
        let checksum = samples[start...].withUnsafeBytes { CRC32.checksum(of: $0) }
        return PreparedRecord.Window(piece: piece, checksum: checksum, exponent: exponent)
    }

    /// The finest unit, a power of two mV not below 2^-14 (0.06 microvolts), in which 16 bits hold an amplitude.
    static func exponent(largest: Float) -> Int? {
        (-14...80).first { largest <= 32767 * Float(sign: .plus, exponent: $0, significand: 1) }
    }
}

extension Resampler {
    /// Resamples slices of arrays.
    func resample(
        _ leads: [ArraySlice<Float>], into resampled: UnsafeMutableBufferPointer<Float>
    ) {
        let all = leads.flatMap { $0 }
        all.withUnsafeBufferPointer { all in
            let rows = leads.indices.map {
                UnsafeBufferPointer(rebasing: all[$0 * inputCount..<($0 + 1) * inputCount])
            }
            resample(rows, into: resampled)
        }
    }
}
