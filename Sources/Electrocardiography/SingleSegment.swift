import Runtime

/// Reads the signal files of a record, or of one segment of a record.
struct SingleSegment {
    let header: WFDBHeader

    init(_ header: WFDBHeader) { self.header = header }

    /// Signals that share a file, with the number of the first.
    private struct Group {
        var path: FilePath
        var format: SignalFormat
        var byteOffset: Int
        var signals: Range<Int>
        var samplesPerFrame: Int
    }

    /// The most samples that one of the signals has in a frame.
    var samplesPerFrame: Int { header.signals.map(\.samplesPerFrame).max() ?? 1 }

    /// Reads physical values into a record.
    func read(
        into record: inout WFDBRecord, options: WFDBRecord.Options
    ) throws(WFDBError) {
        let factor = options.frames == .expanded ? samplesPerFrame : 1
        var (digital, notes) = try readDigital(options: options, factor: factor)
        record.sampleRateHz *= Double(factor)
        record.notes += notes
        var signals = header.signals
        if options.correctsNormalisedGains, hasNormalisedGains(digital) {
            for i in signals.indices where Lead(headerName: signals[i].description) != nil {
                (signals[i].gain, signals[i].baseline) = (1000, 0)
            }
            record.notes.append(
                "the header's gains differ from lead to lead, the integers obey III = II - I and its like: all leads were put on 1000 units/mV"
            )
        }
        for (signal, samples) in zip(signals, digital) {
            record.signals.append(physical(signal, samples))
        }
        digital = []
    }

    /// Converts units of the converter into physical ones.
    private func physical(_ signal: WFDBHeader.Signal, _ digital: [Int32]) -> WFDBRecord.Signal {
        let millivolts = WFDBRecord.millivolts(in: signal.units)
        let scale = millivolts ?? 1
        let samples = [Float](unsafeUninitializedCapacity: digital.count) { values, filled in
            for (i, value) in digital.enumerated() {
                let amplitude = (Double(value) - Double(signal.baseline)) / signal.gain
                values[i] = value == .min ? .nan : Float(scale == 1 ? amplitude : amplitude * scale)
            }
            filled = digital.count
        }
        return WFDBRecord.Signal(
            name: signal.description, units: millivolts == nil ? signal.units : "mV",
            samples: samples)
    }

    /// Whether the integers obey the limb leads' laws although the header's gains for these leads differ.
    ///
    /// True of LUDB, whose gains scale every lead to at most about 1 and are no amplitudes.
    private func hasNormalisedGains(_ digital: [[Int32]]) -> Bool {
        let limbs = [Lead.i, .ii, .iii, .aVR, .aVF].compactMap { lead in
            header.signals.firstIndex { Lead(headerName: $0.description) == lead }
        }
        let gains = limbs.map { header.signals[$0].gain }
        guard limbs.count == 5, let low = gains.min(), let high = gains.max(), low > 0,
            high > 1.01 * low
        else { return false }
        var isFlat = true
        for t in digital[limbs[0]].indices {
            let values = limbs.map { digital[$0][t] }
            if values.contains(.min) { continue }
            let (i, ii, iii) = (Int(values[0]), Int(values[1]), Int(values[2]))
            // The augmented leads are halves, rounded one way or the other.
            guard abs(ii - i - iii) <= 1, abs(2 * Int(values[3]) + i + ii) <= 2,
                abs(2 * Int(values[4]) - ii - iii) <= 2
            else { return false }
            if values[0] != digital[limbs[0]][0] { isFlat = false }
        }
        return !isFlat
    }

    /// Reads the converter's values, `Int32.min` where invalid, one array a signal.
    private func readDigital(
        options: WFDBRecord.Options, factor: Int
    ) throws(WFDBError) -> (samples: [[Int32]], notes: [String]) {
        let groups = try groups()
        let count = try checkedCount(groups)
        let range = try checkedRange(options.range, of: count, in: header)
        try checkValueCount(
            signals: header.signals.count, samples: range.count * factor,
            limit: options.valueLimit, in: header)
        var result = (samples: [[Int32]](), notes: [String]())
        for group in groups {
            try read(
                group, count: count, range: range, factor: factor, frames: options.frames,
                into: &result)
        }
        return result
    }

    private func groups() throws(WFDBError) -> [Group] {
        var groups: [Group] = []
        var start = 0
        while start < header.signals.count {
            let first = header.signals[start]
            let end =
                header.signals[start...].firstIndex { $0.file != first.file }
                ?? header.signals.count
            let signals = header.signals[start..<end]
            func refuse(_ field: String, _ problem: String, remedy: String? = nil) -> WFDBError {
                WFDBError(.unsupported, file: header.path, field: field, problem, remedy: remedy)
            }
            guard first.file != "~", first.formatNumber != 0 else {
                throw refuse(
                    "signal file",
                    "this is a layout: it names signals and has no samples by design",
                    remedy: "name the record whose segment it is")
            }
            guard let format = SignalFormat(rawValue: first.formatNumber) else {
                let isFLAC = [508, 516, 524].contains(first.formatNumber)
                throw refuse(
                    "format",
                    "\(first.formatNumber) is "
                        + (isFLAC
                            ? "FLAC, which is not read" : "unknown")
                )
            }
            guard signals.allSatisfy({ $0.formatNumber == first.formatNumber }) else {
                throw refuse("format", "the signals of \(first.file) have different formats")
            }
            let offset = first.byteOffset
            guard signals.allSatisfy({ $0.byteOffset == offset || $0.byteOffset == 0 }) else {
                throw refuse("byte offset", "the signals of \(first.file) have different ones")
            }
            groups.append(
                Group(
                    path: header.path.sibling(first.file),
                    format: format, byteOffset: offset, signals: start..<end,
                    samplesPerFrame: signals.reduce(0) { $0 + $1.samplesPerFrame }))
            start = end
        }
        return groups
    }

    /// Frames in the record, for which each file has enough bytes.
    private func checkedCount(
        _ groups: [Group]
    ) throws(WFDBError) -> Int {
        var count = header.sampleCount ?? .max
        for group in groups {
            let size = try SignalFile.size(group.path, field: "signal file")
            let available = max(0, size - group.byteOffset)
            if let count = header.sampleCount {
                let needed = group.format.byteCount(sampleCount: count * group.samplesPerFrame)
                guard available >= needed else {
                    throw WFDBError(
                        .truncated, file: group.path, field: "samples",
                        "\(count) frames need \(group.byteOffset + needed) bytes, the file has \(size)"
                    )
                }
            } else {
                let samples = group.format.sampleCount(byteCount: available)
                count = min(count, samples / group.samplesPerFrame)
            }
        }
        return groups.isEmpty ? header.sampleCount ?? 0 : count
    }

    private func read(
        _ group: Group, count: Int, range: Range<Int>, factor: Int,
        frames: WFDBRecord.Options.Frames,
        into result: inout (samples: [[Int32]], notes: [String])
    ) throws(WFDBError) {
        let signals = header.signals[group.signals]
        let skew = signals.map(\.skewFrames).max() ?? 0
        let width = group.samplesPerFrame
        // Differences add up from the first sample; packed samples start in the middle of a byte.
        let start = group.format == .differences8 ? 0 : range.lowerBound
        let end = min(count, range.upperBound + min(skew, count))
        let decoded = max(0, end - start) * width
        let firstSample = start * width
        let block = firstSample - firstSample % 12
        let bytes = try SignalFile.read(
            group.path,
            range: group.byteOffset + group.format.byteCount(sampleCount: block)..<group.byteOffset
                + group.format.byteCount(sampleCount: firstSample + decoded),
            field: "samples")
        var raw = [Int32](unsafeUninitializedCapacity: decoded) { buffer, filled in
            bytes.withUnsafeBytes {
                group.format.decode(
                    $0, from: firstSample - block,
                    into: UnsafeMutableBufferPointer(rebasing: buffer[..<decoded]))
            }
            filled = decoded
        }
        var place = 0
        for signal in signals {
            if group.format == .differences8 {
                accumulate(&raw, signal, place: place, width: width)
            }
            if range == 0..<count {
                try verify(raw, signal, place: place, width: width, count: count, group.path)
            }
            if start == 0, !raw.isEmpty, signal.skewFrames == 0, group.format != .differences8,
                let initial = signal.initialValue, Int32(clamping: initial) != raw[place]
            {
                result.notes.append(
                    "signal \(signal.description) begins with \(raw[place]), its header says \(initial)"
                )
            }
            result.samples.append(
                samples(
                    of: signal, raw, place: place, width: width, start: start, end: end,
                    range: range, factor: factor, isStrict: frames == .averagedWhereValid,
                    invalid: group.format.invalidSample))
            place += signal.samplesPerFrame
        }
    }

    /// Turns differences into values that begin at the header's initial value.
    private func accumulate(
        _ raw: inout [Int32], _ signal: WFDBHeader.Signal, place: Int, width: Int
    ) {
        var value = Int32(clamping: signal.initialValue ?? 0)
        for frame in stride(from: 0, to: raw.count, by: width) {
            for i in frame + place..<frame + place + signal.samplesPerFrame {
                value &+= raw[i]
                raw[i] = value
            }
        }
    }

    private func verify(
        _ raw: [Int32], _ signal: WFDBHeader.Signal, place: Int, width: Int, count: Int,
        _ path: FilePath
    ) throws(WFDBError) {
        guard let announced = signal.checksum else { return }
        var sum: Int32 = 0
        for frame in stride(from: 0, to: count * width, by: width) {
            for i in frame + place..<frame + place + signal.samplesPerFrame { sum &+= raw[i] }
        }
        // Headers have it signed or unsigned: both are the same modulo 65536.
        guard UInt16(truncatingIfNeeded: sum) == UInt16(truncatingIfNeeded: announced) else {
            throw WFDBError(
                .checksum, file: path, field: "samples of \(signal.description)",
                "their sum is \(Int16(truncatingIfNeeded: sum)), the header says \(Int16(truncatingIfNeeded: announced)) (both modulo 65536)"
            )
        }
    }

    /// One signal's samples within the range, taken out of the interleaved frames.
    private func samples(
        of signal: WFDBHeader.Signal, _ raw: [Int32], place: Int, width: Int, start: Int, end: Int,
        range: Range<Int>, factor: Int, isStrict: Bool, invalid: Int32?
    ) -> [Int32] {
        let (spf, skew) = (signal.samplesPerFrame, signal.skewFrames)
        let invalid = invalid ?? .min
        return [Int32](unsafeUninitializedCapacity: range.count * factor) { values, filled in
            for (t, frame) in range.enumerated() {
                // What lies beyond the end of a signal that was skewed was never measured.
                guard skew < end - frame else {
                    for j in 0..<factor { values[t * factor + j] = .min }
                    continue
                }
                let at = (frame + skew - start) * width + place
                if factor > 1 {
                    for j in 0..<factor {
                        let value = raw[at + j * spf / factor]
                        values[t * factor + j] = value == invalid ? .min : value
                    }
                } else if spf == 1 {
                    values[t] = raw[at] == invalid ? .min : raw[at]
                } else {
                    var (sum, isValid) = (0, true)
                    for j in at..<at + spf {
                        if raw[j] == invalid { isValid = false }
                        sum += Int(raw[j])
                    }
                    let mean = Int32(sum / spf)
                    values[t] = isValid || (!isStrict && mean != invalid) ? mean : .min
                }
            }
            filled = range.count * factor
        }
    }
}
