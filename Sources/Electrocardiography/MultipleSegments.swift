import Runtime
/// Reads a record that is spread over segments, of fixed or variable layout.
///
/// In a fixed layout every segment has the same signals in the same places. In a variable layout the first segment
/// has no samples and names all signals; the others have some of them. `~` stands for a gap.
struct MultipleSegments {
    let header: WFDBHeader

    init(_ header: WFDBHeader) { self.header = header }

    private struct Part {
        var header: WFDBHeader
        /// Frames of the record that the segment holds.
        var frames: Range<Int>
    }

    /// Reads physical values into a record; leads that a segment lacks are NaN there.
    func read(into record: inout WFDBRecord, options: WFDBRecord.Options) throws(WFDBError) {
        let isVariable = header.segments[0].sampleCount == 0
        var count = 0
        for segment in header.segments { count += segment.sampleCount }
        if let announced = header.sampleCount, announced != count {
            throw WFDBError(
                .brokenHeader, file: header.path, field: "number of samples",
                "\(announced) are announced, the segments have \(count)")
        }
        let range = try checkedRange(options.range, of: count, in: header)
        let reference = try segmentHeader(header.segments[0])
        guard reference.signals.count == header.signalCount else {
            throw WFDBError(
                .brokenHeader, file: reference.path, field: "number of signals",
                "it has \(reference.signals.count), the record \(header.name) has \(header.signalCount)"
            )
        }
        let parts = try parts(within: range, isVariable: isVariable)
        let widths = (parts.map(\.header) + [reference]).map { SingleSegment($0).samplesPerFrame }
        let factor = options.frames == .expanded ? widths.max() ?? 1 : 1
        try checkValueCount(
            signals: reference.signals.count, samples: range.count * factor,
            limit: options.valueLimit, in: header)
        record.sampleRateHz *= Double(factor)
        record.signals = reference.signals.map { signal in
            let isVoltage = WFDBRecord.millivolts(in: signal.units) != nil
            return WFDBRecord.Signal(
                name: signal.description, units: isVoltage ? "mV" : signal.units,
                samples: [Float](repeating: .nan, count: range.count * factor))
        }
        for part in parts {
            try read(
                part, range: range, factor: factor, isVariable: isVariable, options: options,
                into: &record)
        }
    }

    /// The header of a segment, which must be a record of one segment at the same rate.
    private func segmentHeader(_ segment: WFDBHeader.Segment) throws(WFDBError) -> WFDBHeader {
        guard segment.name != "~" else {
            throw WFDBError(
                .brokenHeader, file: header.path, field: "segments", "the first one is a gap")
        }
        let path = header.path.sibling(FilePath(segment.name))
        let found: WFDBHeader
        do {
            found = try WFDBHeader.read(path)
        } catch {
            guard error.kind == .missingFile else { throw error }
            throw WFDBError(
                .missingFile, file: error.file, field: "segment \(segment.name) of \(header.name)",
                "no such file", remedy: "read a part of the record without this segment")
        }
        guard found.segments.isEmpty else {
            throw WFDBError(
                .unsupported, file: found.path, field: "segments",
                "a segment of \(header.name) has segments of its own",
                remedy: "join those into one record")
        }
        guard found.sampleRateHz == header.sampleRateHz else {
            throw WFDBError(
                .brokenHeader, file: found.path, field: "sampling rate",
                "it is \(found.sampleRateHz) Hz, that of \(header.name) \(header.sampleRateHz) Hz")
        }
        return found
    }

    private func parts(
        within range: Range<Int>, isVariable: Bool
    ) throws(WFDBError) -> [Part] {
        var parts: [Part] = []
        var start = 0
        for segment in header.segments.dropFirst(isVariable ? 1 : 0) {
            let frames = start..<start + segment.sampleCount
            start = frames.upperBound
            guard segment.name != "~", frames.overlaps(range) else { continue }
            let found = try segmentHeader(segment)
            if let count = found.sampleCount, count != segment.sampleCount {
                throw WFDBError(
                    .brokenHeader, file: found.path, field: "number of samples",
                    "it is \(count), \(header.name) says \(segment.sampleCount)")
            }
            parts.append(Part(header: found, frames: frames))
        }
        return parts
    }

    private func read(
        _ part: Part, range: Range<Int>, factor: Int, isVariable: Bool,
        options: WFDBRecord.Options, into record: inout WFDBRecord
    ) throws(WFDBError) {
        let wanted = part.frames.clamped(to: range)
        var options = options
        options.range =
            wanted.lowerBound - part.frames.lowerBound..<wanted.upperBound - part.frames.lowerBound
        if options.range == 0..<part.frames.count, part.header.sampleCount != nil {
            options.range = nil
        }
        let segment = try WFDBRecord.read(part.header, options: options)
        guard isVariable || segment.signals.count == record.signals.count else {
            throw WFDBError(
                .brokenHeader, file: part.header.path, field: "number of signals",
                "it has \(segment.signals.count), \(header.name) has \(record.signals.count)")
        }
        record.notes += segment.notes.map { "segment \(segment.name): \($0)" }
        let own = options.frames == .expanded ? SingleSegment(part.header).samplesPerFrame : 1
        let offset = (wanted.lowerBound - range.lowerBound) * factor
        for (number, signal) in segment.signals.enumerated() {
            let place = isVariable ? record.signals.firstIndex { $0.name == signal.name } : number
            guard let place else {
                throw WFDBError(
                    .brokenHeader, file: part.header.path, field: "signal \(signal.name)",
                    "the layout of \(header.name) does not name it")
            }
            guard signal.units == record.signals[place].units else {
                throw WFDBError(
                    .brokenHeader, file: part.header.path, field: "units of \(signal.name)",
                    "\(signal.units) here, \(record.signals[place].units) in \(header.name)")
            }
            for i in 0..<wanted.count * factor {
                record.signals[place].samples[offset + i] = signal.samples[i * own / factor]
            }
        }
    }
}
