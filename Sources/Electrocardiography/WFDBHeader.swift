import Runtime

/// A WFDB header as written: the record line, one line a signal or segment, and the comments.
public struct WFDBHeader: Sendable, Equatable {
    /// One signal line.
    public struct Signal: Sendable, Equatable {
        /// The file with the samples, beside the header; `~` where there is none.
        public var file: FilePath
        /// The number of the storage format; 0 in layouts.
        public var formatNumber: Int
        /// Samples of this signal in a frame.
        public var samplesPerFrame: Int
        /// Frames by which the signal lies late in the file; the header counts samples, of which a frame may have several.
        public var skewFrames: Int
        /// Bytes before the first sample.
        public var byteOffset: Int
        /// Units of the converter in one physical unit.
        public var gain: Double
        /// Whether the header names a gain other than 0; else the standard's 200 stands.
        public var isCalibrated: Bool
        /// The converter's value at physical 0.
        public var baseline: Int
        /// The physical unit as written; `mV` where there is none.
        public var units: String
        /// The first sample, where the header says it.
        public var initialValue: Int?
        /// The sum of all samples modulo 65536, where the header says it.
        public var checksum: Int?
        /// The name of the lead or channel.
        public var description: String
    }

    /// One line of a record in several segments.
    public struct Segment: Sendable, Equatable {
        /// The segment's record; `~` for a gap.
        public var name: String
        /// Frames in it.
        public var sampleCount: Int
    }

    /// The record's name.
    public var name: String
    /// The path of the header, for messages.
    public var path: FilePath
    /// Frames a second.
    public var sampleRateHz: Double
    /// Frames in the record; `nil` where the header leaves it to the file's size.
    public var sampleCount: Int?
    /// Signals that the record line announces.
    public var signalCount: Int
    /// The signal lines; empty in a record of several segments.
    public var signals: [Signal]
    /// The segment lines; empty in a record of one segment.
    public var segments: [Segment]
    /// Date and time as written, in whichever order.
    public var recordedAt: String
    /// The comment lines without `#`.
    public var comments: [String]
    /// Lines behind those that the record line announces: they are not read.
    public var extraLineCount = 0

    /// Bounds on what a header may announce; far above any ECG, and low enough that no product overflows.
    enum Limit {
        static let headerBytes = 16 << 20
        static let signals = 1024
        static let samplesPerFrame = 4096
        static let frames = 1 << 36
        static let byteOffset = 1 << 40
        static let sampleRateHz = 1e6
    }
}

extension WFDBHeader {
    /// The path of a record's header, whether `.hea` was given or not.
    public static func headerPath(of record: FilePath) -> FilePath {
        record.hasSuffix(".hea") ? record : record + ".hea"
    }

    /// Reads a header.
    ///
    /// - Parameter record: The record's path, with or without `.hea`.
    /// - Returns: The header; its signal files have not been looked at.
    /// - Throws: `WFDBError`.
    public static func read(_ record: FilePath) throws(WFDBError) -> WFDBHeader {
        let path = headerPath(of: record)
        let bytes = try SignalFile.read(path, upTo: Limit.headerBytes, field: "header")
        return try WFDBHeader(parsing: bytes, path: path)
    }

    /// The bytes of a record's name, with the number of segments where there is one: the first field of a header's first
    /// line that is no comment; empty where there is none.
    static func nameField(_ path: FilePath) throws(WFDBError) -> ArraySlice<UInt8> {
        let bytes = try SignalFile.read(path, upTo: Limit.headerBytes, field: "header")
        for line in TextLines.split(bytes) {
            let line = line.drop(while: \.isBlank)
            guard let first = line.first, first != UInt8(ascii: "#") else { continue }
            return line.prefix { !$0.isBlank }
        }
        return []
    }

    /// Parses the bytes of a header.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - path: The file, for messages.
    /// - Throws: `WFDBError`.
    public init(parsing bytes: [UInt8], path: FilePath) throws(WFDBError) {
        var lines: [(number: Int, text: ArraySlice<UInt8>)] = []
        var comments: [String] = []
        if let problem = TextLines.problem(bytes) {
            throw WFDBError(.brokenHeader, file: path, field: "encoding", problem)
        }
        for (index, line) in TextLines.split(bytes).enumerated() {
            // Texts that were joined have marks within them.
            let line = TextLines.withoutMark(line).drop(while: \.isBlank)
            if line.first == UInt8(ascii: "#") {
                comments.append(TextLines.decoded(line.dropFirst()))
            } else if !line.isEmpty {
                lines.append((index + 1, line))
            }
        }
        guard let first = lines.first else {
            throw WFDBError(
                .brokenHeader, file: path, field: "record line", "the header has no record line")
        }
        self.init(path: path, comments: comments)
        let segmentCount = try readRecordLine(first.text)
        let described = lines.dropFirst()
        if let segmentCount {
            guard described.count >= segmentCount else {
                throw WFDBError(
                    .brokenHeader, file: path, field: "segments",
                    "\(segmentCount) are declared, \(described.count) described")
            }
            for line in described.prefix(segmentCount) {
                segments.append(try segment(line.text, number: line.number))
            }
        } else {
            guard described.count >= signalCount else {
                throw WFDBError(
                    .brokenHeader, file: path, field: "signals",
                    "\(signalCount) are declared, \(described.count) described")
            }
            for line in described.prefix(signalCount) {
                signals.append(try signal(line.text, number: line.number))
            }
        }
        extraLineCount = described.count - (segmentCount ?? signalCount)
    }

    private init(path: FilePath, comments: [String]) {
        self.path = path
        self.comments = comments
        (name, recordedAt) = ("", "")
        (sampleRateHz, signalCount) = (250, 0)
        (signals, segments) = ([], [])
    }

    /// Reads name, counts and rate.
    ///
    /// - Returns: The number of segments, `nil` for a record of one.
    private mutating func readRecordLine(_ line: ArraySlice<UInt8>) throws(WFDBError) -> Int? {
        let fields = Self.fields(line)
        func broken(_ field: String, _ problem: String, remedy: String? = nil) -> WFDBError {
            WFDBError(.brokenHeader, file: path, field: field, problem, remedy: remedy)
        }
        let parts = fields[0].split(separator: "/", omittingEmptySubsequences: false)
        name = String(parts[0])
        guard !name.isEmpty, name.allSatisfy(\.isRecordName), parts.count <= 2 else {
            let hasDot = name.contains(".")
            throw broken(
                "record name",
                hasDot
                    ? "'\(name)' has a dot, as in some early headers of the Challenge"
                    : "'\(fields[0])' is not a name of letters, digits, '-' and '_'",
                remedy: hasDot ? "write the name without its ending" : nil)
        }
        var segmentCount: Int?
        if parts.count == 2 {
            guard let count = Int(parts[1]), (1...10_000_000).contains(count) else {
                throw broken("number of segments", "'\(parts[1])' is not a positive number")
            }
            segmentCount = count
        }
        guard fields.count > 1 else { throw broken("number of signals", "it is missing") }
        guard let signals = Int(fields[1]), (0...Limit.signals).contains(signals) else {
            throw broken(
                "number of signals", "'\(fields[1])' is not a number from 0 to \(Limit.signals)")
        }
        signalCount = signals
        if fields.count > 2 {
            let text = fields[2].prefix { $0 != "/" && $0 != "(" }
            guard let rate = Double(text), rate > 0, rate <= Limit.sampleRateHz else {
                throw broken("sampling rate", "'\(fields[2])' is not a rate in Hz above 0")
            }
            sampleRateHz = rate
        }
        if fields.count > 3 {
            guard let count = Int(fields[3]), (0...Limit.frames).contains(count) else {
                throw broken(
                    "number of samples",
                    "'\(fields[3])' is not a number from 0 to \(Limit.frames)")
            }
            // The standard's 0 means "not said", except in layouts, which have no samples at all.
            sampleCount = count == 0 && segmentCount == nil ? nil : count
        }
        // Challenge headers have the date first, the standard has the time first: both are kept as text.
        for field in fields.dropFirst(4) where !field.isDateOrTime {
            throw broken("record line", "'\(field)' is neither a time nor a date")
        }
        recordedAt = fields.dropFirst(4).joined(separator: " ")
        return segmentCount
    }

    private func segment(
        _ line: ArraySlice<UInt8>, number: Int
    ) throws(WFDBError) -> Segment {
        let fields = Self.fields(line)
        guard fields.count == 2, fields[0] == "~" || fields[0].allSatisfy(\.isRecordName),
            let count = Int(fields[1]), (0...Limit.frames).contains(count)
        else {
            throw WFDBError(
                .brokenHeader, file: path, field: "line \(number)",
                "'\(TextLines.decoded(line))' is not a segment's name and its number of samples")
        }
        return Segment(name: String(fields[0]), sampleCount: count)
    }

    private func signal(_ line: ArraySlice<UInt8>, number: Int) throws(WFDBError) -> Signal {
        var reader = SignalLine(rest: line, path: path, number: number)
        var signal = Signal(
            file: try reader.file(), formatNumber: 0, samplesPerFrame: 1, skewFrames: 0,
            byteOffset: 0, gain: 200, isCalibrated: false, baseline: 0, units: "mV",
            initialValue: nil, checksum: nil, description: "")
        try reader.format(into: &signal)
        let baseline = try reader.gain(into: &signal)
        _ = try reader.integer("resolution of the converter")
        let zero = try reader.integer("zero of the converter")
        signal.baseline = baseline ?? zero ?? 0
        signal.initialValue = try reader.integer("initial value")
        signal.checksum = try reader.integer("checksum")
        _ = try reader.integer("block size")
        signal.description = TextLines.trimmed(TextLines.decoded(reader.rest))
        return signal
    }

    private static func fields(_ line: ArraySlice<UInt8>) -> [Substring] {
        line.split(whereSeparator: \.isBlank).map { Substring(TextLines.decoded($0)) }
    }
}

extension WFDBHeader {
    /// What a note about signals without a gain begins with.
    static let uncalibrated = "uncalibrated: "
    /// What stands in the place of the gain that is not there.
    static let assumedGain = "200 units in 1 mV, or in 1 of the unit that it names, are assumed"
    /// What a note about lines that nothing announces begins with.
    static let extraLines =
        "lines of the header behind those that its first line announces are not read"

    /// What a reader of the signals should know of the header.
    var notes: [String] {
        var notes: [String] = []
        let names = signals.filter { !$0.isCalibrated }.map(\.description)
        if !names.isEmpty {
            let which = names.count == signals.count ? "any signal" : names.joined(separator: ", ")
            notes.append(
                Self.uncalibrated
                    + "the header has no gain for \(which), or 0; \(Self.assumedGain)")
        }
        if extraLineCount > 0 {
            notes.append("\(Self.extraLines): \(extraLineCount)")
        }
        return notes
    }
}

extension Character {
    fileprivate var isRecordName: Bool {
        isASCII && (isLetter || isNumber) || self == "-" || self == "_"
    }
}

extension Substring {
    fileprivate var isDateOrTime: Bool {
        first?.isNumber == true
            && allSatisfy { $0.isASCII && ($0.isLetter || ":/.-".contains($0) || $0.isNumber) }
    }
}

extension UInt8 {
    /// Whether it stands between fields of a line: a space, a tab, or one of the form and line feeds that end no line.
    var isBlank: Bool { self == 0x20 || 0x09...0x0D ~= self }
}
