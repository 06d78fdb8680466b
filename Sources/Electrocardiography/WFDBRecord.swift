import Foundation
import Runtime

/// A record as it was read: physical values of every signal, on one time axis.
public struct WFDBRecord: Sendable {
    /// One signal.
    public struct Signal: Sendable {
        /// The lead's or channel's name as the header has it.
        public var name: String
        /// `mV` for every voltage, else the unit as written.
        public var units: String
        /// Physical values, NaN where invalid.
        public var samples: [Float]
    }

    /// The record's name.
    public var name: String
    /// The path of its header.
    public var path: FilePath
    /// Samples a second.
    public var sampleRateHz: Double
    /// The signals, all of the same length.
    public var signals: [Signal]
    /// The header's comment lines without `#`.
    public var comments: [String]
    /// Date and time as written.
    public var recordedAt: String
    /// What a reader of the signals should know: gaps, values that differ from the header.
    public var notes: [String]

    /// Samples of every signal.
    public var sampleCount: Int { signals.first?.samples.count ?? 0 }

    /// How a record is read.
    public struct Options: Sendable {
        /// What becomes of signals with several samples a frame.
        public enum Frames: Sendable {
            /// Their mean, cut to a whole converter unit, as the WFDB programs have it.
            ///
            /// The marker of an invalid sample takes part in the mean; a frame is invalid when all its samples are.
            case averaged
            /// The same, but a frame with an invalid sample is invalid.
            case averagedWhereValid
            /// The highest rate of the record; slower signals are repeated.
            case expanded
        }

        /// The frames to read; `nil` for all.
        public var range: Range<Int>?
        /// What becomes of signals with several samples a frame.
        public var frames: Frames
        /// Puts all leads on 1000 units/mV where the header's gains are per-lead normalisations, as LUDB's are.
        public var correctsNormalisedGains: Bool
        /// Values (signals times samples) that may be read at once.
        public var valueLimit: Int

        /// Everything, as the header says.
        public init(
            range: Range<Int>? = nil, frames: Frames = .averaged,
            correctsNormalisedGains: Bool = false, valueLimit: Int = 1 << 28
        ) {
            self.range = range
            self.frames = frames
            self.correctsNormalisedGains = correctsNormalisedGains
            self.valueLimit = valueLimit
        }
    }

    /// Reads a record of one or several segments.
    ///
    /// - Parameters:
    ///   - record: Path of the record, with or without `.hea`.
    ///   - options: What to read, and how.
    /// - Returns: Physical values of all signals.
    /// - Throws: `WFDBError`.
    public static func read(
        _ record: FilePath, options: Options = Options()
    ) throws(WFDBError) -> WFDBRecord {
        let header = try WFDBHeader.read(record)
        return try read(header, options: options)
    }

    /// Reads the signals that a header describes.
    public static func read(
        _ header: WFDBHeader, options: Options = Options()
    ) throws(WFDBError) -> WFDBRecord {
        var record = WFDBRecord(
            name: header.name, path: header.path, sampleRateHz: header.sampleRateHz, signals: [],
            comments: header.comments, recordedAt: header.recordedAt, notes: header.notes)
        if header.segments.isEmpty {
            try SingleSegment(header).read(into: &record, options: options)
        } else {
            try MultipleSegments(header).read(into: &record, options: options)
        }
        return record
    }

    /// The signals of the twelve standard leads in their order; `nil` where one is missing.
    public func standardLeads() -> [Signal?] {
        var leads = [Signal?](repeating: nil, count: Lead.allCases.count)
        for signal in signals {
            guard let lead = Lead(headerName: signal.name), leads[lead.rawValue] == nil else {
                continue
            }
            leads[lead.rawValue] = signal
        }
        return leads
    }

    /// Millivolts in one unit of a voltage; `nil` for other units.
    static func millivolts(in units: String) -> Double? {
        switch units.lowercased() {
        case "mv", "millivolt", "millivolts": 1
        case "uv", "\u{B5}v", "\u{3BC}v", "microvolt", "microvolts": 1e-3
        case "v", "volt", "volts": 1e3
        case "nv": 1e-6
        default: nil
        }
    }
}

/// Frames that are asked for, within those that there are.
func checkedRange(
    _ range: Range<Int>?, of count: Int, in header: WFDBHeader
) throws(WFDBError) -> Range<Int> {
    guard let range else { return 0..<count }
    guard range.lowerBound >= 0, range.upperBound <= count else {
        throw WFDBError(
            .unsupported, file: header.path, field: "range",
            "samples \(range.lowerBound)..<\(range.upperBound) are asked for, the record has \(count)",
            remedy: "ask for samples within it")
    }
    return range
}

/// Refuses more values than may be held at once.
func checkValueCount(
    signals: Int, samples: Int, limit: Int, in header: WFDBHeader
) throws(WFDBError) {
    let (values, overflow) = signals.multipliedReportingOverflow(by: samples)
    guard !overflow, values <= limit else {
        throw WFDBError(
            .unsupported, file: header.path, field: "number of samples",
            "\(signals) signals of \(samples) samples are more than \(limit) values",
            remedy: "read a part of the record")
    }
}
