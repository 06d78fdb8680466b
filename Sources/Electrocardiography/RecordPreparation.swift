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
/// A window is resampled together with the windows on either side of it in its record, as far as they have no invalid
/// samples: the Fourier method takes what it is given for one period of something that repeats, so the ends of what it is
/// given are wrong by the step between them, and two windows of which each was resampled by itself do not join. What a
/// window is depends on the record alone, not on which of its windows are stored.
///
/// Workspaces are kept between records: one instance a thread.
final class RecordPreparation {
    /// Windows that are resampled together.
    private struct Block: Hashable {
        /// Samples of a window, as it was read.
        let length: Int
        let windows: Int
    }

    private let rateHz: Double
    private let samplesPerWindow: Int
    private let takesFirstOnly: Bool
    private let features: WindowFeatures.Extractor?
    private let valuesAtOnce: Int
    private var resamplers: [Block: Resampler] = [:]
    private let resampled: UnsafeMutableBufferPointer<Float>
    /// The samples of the record's windows, one after another.
    private(set) var samples: [Int16] = []
    private static let largestBlock = 3

    /// A thread's preparation.
    ///
    /// - Parameters:
    ///   - rateHz: Samples a second in the set.
    ///   - samplesPerWindow: Of a lead.
    ///   - takesFirstOnly: Whether a record gives its first valid window alone.
    ///   - features: What is computed of each window.
    ///   - valuesAtOnce: Values that are read at once; longer records are read in parts of whole windows.
    init(
        rateHz: Double, samplesPerWindow: Int, takesFirstOnly: Bool,
        features: WindowFeatures.Extractor? = nil, valuesAtOnce: Int = 1 << 25
    ) {
        self.features = features
        self.rateHz = rateHz
        self.samplesPerWindow = samplesPerWindow
        self.takesFirstOnly = takesFirstOnly
        self.valuesAtOnce = valuesAtOnce
        resampled = .allocate(
            capacity: PreparedFormat.leadCount * samplesPerWindow * Self.largestBlock)
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
        let piecesAtOnce = max(1, valuesAtOnce / width)
        let total = header.sampleCount.map { $0 / length }
        var piece = 0
        repeat {
            // The part's windows among those that are read; behind the last one is what is less than a window.
            var (first, own) = (piece, 0..<Int.max)
            // Reading the whole record also verifies its checksums.
            if let count = header.sampleCount, let total, total > piecesAtOnce {
                let end = min(piece + piecesAtOnce, total)
                first = max(0, piece - 1)
                own = piece - first..<(end == total ? Int.max : end - first)
                options.range = first * length..<(end == total ? count : (end + 1) * length)
            }
            let record = try WFDBRecord.read(header, options: options)
            if let refusal = refusal(of: record, length: length) { return refusal }
            result.notes += record.notes.filter { !result.notes.contains($0) }
            let part = RecordPart(
                leads: record.standardLeads().compactMap { $0?.samples }, length: length,
                firstPiece: first, windows: own)
            for lead in part.leads {
                lead[part.samples].withUnsafeBytes { hash.update($0) }
            }
            piece = cut(part, into: &result)
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

    /// Cuts the windows of a part of a record.
    ///
    /// - Returns: The number of the next window.
    private func cut(_ part: RecordPart, into result: inout PreparedRecord) -> Int {
        for number in part.windows {
            guard part.isValid[number] else {
                result.invalidWindowCount += 1
                continue
            }
            if let window = window(number, of: part, rateHz: result.rateHz) {
                if part.isConstant(number), !result.notes.contains(Self.constantLeads) {
                    result.notes.append(Self.constantLeads)
                }
                result.windows.append(window)
            } else {
                result.invalidWindowCount += 1
            }
            if takesFirstOnly, !result.windows.isEmpty { break }
        }
        return part.firstPiece + part.windows.upperBound
    }

    /// What the report says of records without a signal; they are prepared like all others.
    static let constantLeads =
        "every lead is constant in some or all windows, as with electrodes off or a converter at its limit; they are "
        + "in the set, and tell nothing about a heart"

    /// Resamples a window and adds it to `samples`; `nil` when an amplitude is beyond all units.
    private func window(
        _ number: Int, of part: RecordPart, rateHz: Double
    ) -> PreparedRecord.Window? {
        // Where the rate stays, windows are taken as they are.
        let block =
            part.length == samplesPerWindow ? number..<number + 1 : part.block(around: number)
        resample(part, block)
        let width = block.count * samplesPerWindow
        let leads = (0..<PreparedFormat.leadCount).map { lead in
            let start = lead * width + (number - block.lowerBound) * samplesPerWindow
            return resampled[start..<start + samplesPerWindow]
        }
        let largest = leads.joined().reduce(Float(0)) { max($0, abs($1)) }
        guard let exponent = Self.exponent(largest: largest) else { return nil }
        let unitsPerMillivolt = Float(sign: .plus, exponent: -exponent, significand: 1)
        let start = samples.count
        for value in leads.joined() {
            let units = (value * unitsPerMillivolt).rounded(.toNearestOrEven)
            samples.append(Int16(units).littleEndian)
        }
        var window = PreparedRecord.Window(
            piece: UInt32(part.firstPiece + number),
            checksum: samples[start...].withUnsafeBytes { CRC32.checksum(of: $0) },
            exponent: exponent)
        if let features {
            let range = part.range(of: number)
            window.featureBits = features(part.leads.map { Array($0[range]) }, rateHz)
                .map(\.bitPattern)
        }
        return window
    }

    /// Puts some windows of a part into `resampled`, lead by lead.
    private func resample(_ part: RecordPart, _ windows: Range<Int>) {
        if resamplers.count > 16 { resamplers.removeAll() }
        let block = Block(length: part.length, windows: windows.count)
        let resampler =
            resamplers[block]
            ?? Resampler(
                inputCount: windows.count * part.length,
                outputCount: windows.count * samplesPerWindow)
        resamplers[block] = resampler
        let range = windows.lowerBound * part.length..<windows.upperBound * part.length
        resampler.resample(
            part.leads.map { $0[range] },
            into: UnsafeMutableBufferPointer(
                rebasing: resampled[..<(part.leads.count * resampler.outputCount)]))
    }

    /// The finest unit, a power of two mV not below 2^-14 (0.06 microvolts), in which 16 bits hold an amplitude.
    static func exponent(largest: Float) -> Int? {
        (-14...80).first { largest <= 32767 * Float(sign: .plus, exponent: $0, significand: 1) }
    }
}

/// Windows of a record that were read at once, with those beside them.
private struct RecordPart {
    let leads: [[Float]]
    /// Samples of a window.
    let length: Int
    /// Which window of the record the first one is that was read.
    let firstPiece: Int
    /// The windows that are cut, counted from the first one that was read.
    let windows: Range<Int>
    /// Whether each window that was read has no invalid sample.
    let isValid: [Bool]
    /// What is cut, with what is less than a window at the record's end.
    let samples: Range<Int>

    /// A part; windows that were not read are left out of `windows`.
    init(leads: [[Float]], length: Int, firstPiece: Int, windows: Range<Int>) {
        (self.leads, self.length, self.firstPiece) = (leads, length, firstPiece)
        let count = leads[0].count / length
        self.windows = windows.clamped(to: 0..<count)
        isValid = (0..<count).map { number in
            leads.allSatisfy {
                $0[number * length..<(number + 1) * length].allSatisfy(\.isFinite)
            }
        }
        let isLast = windows.upperBound > count
        samples =
            self.windows.lowerBound
            * length..<(isLast ? leads[0].count : self.windows.upperBound * length)
    }

    /// A window's samples of a lead.
    func range(of number: Int) -> Range<Int> { number * length..<(number + 1) * length }

    /// A window with those beside it that are valid.
    func block(around number: Int) -> Range<Int> {
        let isValidBefore = number > 0 && isValid[number - 1]
        let isValidBehind = number + 1 < isValid.count && isValid[number + 1]
        return (isValidBefore ? number - 1 : number)..<(isValidBehind ? number + 2 : number + 1)
    }

    /// Whether no lead moves in a window.
    func isConstant(_ number: Int) -> Bool {
        let range = range(of: number)
        return leads.allSatisfy { lead in lead[range].allSatisfy { $0 == lead[range.lowerBound] } }
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
